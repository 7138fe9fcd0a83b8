/**
 * The package's entry point `audit-service/sqs`: the client that writes through the queue `intake`, with the SQS client
 * of the AWS SDK behind it. It stands apart from the main entry, whose users need not load the SDK.
 */
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { createSqsClient } from "#adapters/aws/sqs-client.ts";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { AuditService } from "#client/audit-service.ts";
import { createAuditClient } from "#client/http-client.ts";
import type { QueueClientOptions } from "#client/queue-client.ts";
import { createQueueClient } from "#client/queue-client.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface SqsClientOptions extends Omit<QueueClientOptions, "sendMessage" | "reads"> {
  /** Of the queue `intake`; the stack's output IntakeUrl. */
  readonly queueUrl: string;
  /** Address of the service, for everything but writing. @default none; reads are refused */
  readonly url?: string | undefined;
  /** Key for `url`. */
  readonly apiKey?: string | undefined;
}

/**
 * A client that writes through SQS, with the region and credentials of the environment. Its events belong to the tenant
 * that the deployment has for the role it runs as; an event that names another is refused by the service.
 *
 * @throws AuditServiceError `invalid-configuration`
 *
 * @example
 * ```ts
 * import { createSqsAuditClient } from "audit-service/sqs";
 *
 * const audit = createSqsAuditClient({ queueUrl: "https://sqs.eu-west-1.amazonaws.com/1/intake", serviceName: "shop" });
 * await audit.log(audit.event().action("user_login").user("alice"));
 * ```
 */
export function createSqsAuditClient({ queueUrl, url, apiKey, ...options }: SqsClientOptions): AuditService {
  if (!/^https?:\/\/[^/\s]+\/\S+$/.test(queueUrl)) {
    const problem = { path: "queueUrl", message: "is not the URL of an SQS queue" };
    const text = `the configuration is not valid:\n  ${problem.path} ${problem.message}`;
    throw new AuditServiceError("invalid-configuration", text, { errors: [problem] });
  }
  const reads = url === undefined ? undefined : createAuditClient({ url, apiKey });
  const client = createSqsClient();
  const sendMessage = async (body: string): Promise<void> => {
    try {
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
    } catch (cause) {
      throw storageError("sending events to the queue", cause);
    }
  };
  return createQueueClient({ ...options, sendMessage, reads });
}
