/**
 * A witness of transparency logs, by itself: deployed into another account than the logs', so that rewriting history takes
 * two compromises. One function behind an HTTP API that is open and throttled, one table, one key that only it may use.
 */
import type { StackProps } from "aws-cdk-lib";
import { Aws, CfnOutput, RemovalPolicy, Stack } from "aws-cdk-lib";
import {
  CfnStage,
  HttpApi as GatewayHttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { Alarm, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { AttributeType, Billing, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";
import { WITNESS_TABLE } from "#adapters/aws/dynamo-witness-store.ts";
import { sendAlarms } from "#infra/aws/alarm-topic.ts";
import { FUNCTION_SETTINGS } from "#infra/aws/function-settings.ts";
import { LogKey } from "#infra/aws/log-keys.ts";
import { createLambdaRole, ServiceFunction } from "#infra/aws/service-function.ts";
import { own } from "#infra/aws/service-metrics.ts";
import type { Stage } from "#infra/aws/stages.ts";

export interface WitnessStackProps extends StackProps {
  readonly stage: Pick<Stage, "name" | "isProtected" | "logLevel" | "logRetentionDays" | "alarmEmail">;
  /** Verifier keys of the logs that it watches, whose names are their origins. */
  readonly logKeys: readonly string[];
  /** Version of the software. */
  readonly version: string;
}

/** A log asks once for each checkpoint, that is at most every 10 s; whoever asks for more than this is no log. */
const REQUESTS_PER_SECOND = 20;
const REQUEST_BURST = 40;
const ROUTES = [
  ["/add-checkpoint", HttpMethod.POST],
  ["/vkey", HttpMethod.GET],
  ["/{origin_hash}/checkpoint", HttpMethod.GET],
] as const;

export class WitnessStack extends Stack {
  readonly api: GatewayHttpApi;
  readonly outputs: readonly CfnOutput[];

  constructor(scope: Construct, id: string, { stage, logKeys, version, ...props }: WitnessStackProps) {
    super(scope, id, { ...props, terminationProtection: stage.isProtected });
    const { isProtected } = stage;
    const serviceName = `audit-witness-${stage.name}`;
    const role = createLambdaRole(this, "Role");
    // No point-in-time recovery: a table that was set back would cosign a fork of what it has cosigned before.
    const table = new TableV2(this, "Checkpoints", {
      partitionKey: { name: WITNESS_TABLE.partitionKey.name, type: AttributeType.STRING },
      billing: Billing.onDemand(),
      deletionProtection: isProtected,
      removalPolicy: isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    const key = new LogKey(this, "CosigningKey", {
      isProtected,
      alias: `audit-witness-${stage.name}`,
      description: "Cosigns checkpoints of transparency logs",
      signer: role,
    });
    const witness = new ServiceFunction(this, "Witness", {
      ...FUNCTION_SETTINGS.witness,
      functionName: "witness",
      logLevel: stage.logLevel,
      logRetentionDays: stage.logRetentionDays,
      environment: {
        AUDIT_SERVICE_NAME: serviceName,
        AUDIT_SERVICE_VERSION: version,
        AUDIT_API_LOG_LEVEL: stage.logLevel,
        AUDIT_WITNESS_NAME: `audit-witness/${Aws.ACCOUNT_ID}/${Aws.REGION}/${stage.name}`,
        AUDIT_WITNESS_LOG_KEYS: JSON.stringify(logKeys),
        AUDIT_WITNESS_TABLE: table.tableName,
        AUDIT_WITNESS_KEY_ARN: key.key.keyArn,
      },
      role,
    });
    witness.allow(["dynamodb:GetItem", "dynamodb:PutItem"], [table.tableArn]);
    key.grantSign(witness);
    sendAlarms(this, [this.createAlarm(serviceName)], stage.alarmEmail);
    this.api = this.createApi(witness);
    this.outputs = [new CfnOutput(this, "WitnessUrl", { value: this.api.apiEndpoint })];
  }

  /** The one thing that a witness is for. */
  private createAlarm(serviceName: string): Alarm {
    return new Alarm(this, "Contradictions", {
      alarmDescription: "A log has signed two histories. See docs/operations.md#witness",
      metric: own({ serviceName }, "Contradictions"),
      threshold: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  private createApi({ lambda }: ServiceFunction): GatewayHttpApi {
    const api = new GatewayHttpApi(this, "Api", {
      description: "Witness of transparency logs",
      defaultAuthorizer: new HttpNoneAuthorizer(),
      createDefaultStage: true,
    });
    const integration = new HttpLambdaIntegration("Witness", lambda);
    for (const [path, method] of ROUTES) api.addRoutes({ path, methods: [method], integration });
    const stage = api.defaultStage?.node.defaultChild;
    if (stage instanceof CfnStage) {
      stage.defaultRouteSettings = {
        throttlingRateLimit: REQUESTS_PER_SECOND,
        throttlingBurstLimit: REQUEST_BURST,
      };
    }
    return api;
  }
}
