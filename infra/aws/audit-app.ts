/**
 * The app of one stage: the stack that holds data and the stack that can be thrown away. Both are free of account and
 * region, so that synthesis needs neither.
 */
import type { App } from "aws-cdk-lib";
import { Tags } from "aws-cdk-lib";
import { acknowledgeFindings } from "#infra/aws/findings.ts";
import { ServiceStack } from "#infra/aws/service-stack.ts";
import type { Stage } from "#infra/aws/stages.ts";
import { StorageStack } from "#infra/aws/storage-stack.ts";

export interface AuditApp {
  readonly storage: StorageStack;
  readonly service: ServiceStack;
}

/** CloudFormation refuses to delete or replace what the service stack still refers to. */
const REFERENCES = "@aws-cdk/core:defaultCrossStackReferences";

/** @param version of the software, which `/health` tells */
export function createAuditApp(app: App, stage: Stage, version: string): AuditApp {
  app.node.setContext(REFERENCES, "strong");
  const storage = new StorageStack(app, `AuditStorage-${stage.name}`, { stage });
  const service = new ServiceStack(app, `AuditService-${stage.name}`, { stage, storage, version });
  for (const stack of [storage, service]) Tags.of(stack).add("audit:stage", stage.name);
  acknowledgeFindings({ storage, service, api: service.api }, stage);
  return { storage, service };
}
