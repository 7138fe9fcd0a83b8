/**
 * One Lambda function of the service: its bundle, its own log group and a policy of its own that holds what was granted and
 * nothing else. Platform messages are kept from WARN on: START and REPORT lines would cost more than the work.
 */
import { join } from "node:path";
import { AssetHashType, Duration, RemovalPolicy } from "aws-cdk-lib";
import type { IRole } from "aws-cdk-lib/aws-iam";
import { Policy, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { LambdaName } from "#infra/aws/bundle.ts";
import { bundleFunction, HANDLER, PROJECT_ROOT } from "#infra/aws/bundle.ts";
import type { Grantee } from "#infra/aws/grantee.ts";
import type { Stage } from "#infra/aws/stages.ts";

export interface ServiceFunctionProps {
  readonly functionName: LambdaName;
  /** One sentence for whoever meets it in the console. */
  readonly description: string;
  /** Memory, and CPU with it: 1,769 MB is one core. */
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly logLevel: Stage["logLevel"];
  readonly logRetentionDays: Stage["logRetentionDays"];
  /** Variables that it has beside those of its grants. */
  readonly environment: Readonly<Record<string, string>>;
  /** @default a role of its own */
  readonly role?: IRole | undefined;
}

const RETENTIONS = {
  7: RetentionDays.ONE_WEEK,
  30: RetentionDays.ONE_MONTH,
  90: RetentionDays.THREE_MONTHS,
  365: RetentionDays.ONE_YEAR,
} as const satisfies Record<Stage["logRetentionDays"], RetentionDays>;

export class ServiceFunction extends Construct implements Grantee {
  readonly lambda: LambdaFunction;
  readonly role: IRole;
  private readonly policy: Policy;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    super(scope, id);
    const { functionName, logLevel } = props;
    this.role = props.role ?? createLambdaRole(this, "Role");
    this.policy = new Policy(this, "Policy", { roles: [this.role] });
    const logGroup = new LogGroup(this, "Logs", {
      retention: RETENTIONS[props.logRetentionDays],
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.lambda = new LambdaFunction(this, "Function", {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: HANDLER,
      code: bundledCode(functionName),
      role: this.role,
      memorySize: props.memoryMb,
      timeout: Duration.seconds(props.timeoutSeconds),
      environment: { ...props.environment },
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      applicationLogLevelV2: logLevel === "debug" ? ApplicationLogLevel.DEBUG : ApplicationLogLevel.INFO,
    });
    this.lambda.node.addDependency(this.policy);
    this.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logGroup.logGroupArn]);
  }

  allow(actions: readonly string[], resourceArns: readonly string[]): void {
    this.policy.addStatements(new PolicyStatement({ actions: [...actions], resources: [...resourceArns] }));
  }

  bind(variables: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(variables)) this.lambda.addEnvironment(name, value);
  }
}

/** A role that Lambda may assume, with no rights. */
export function createLambdaRole(scope: Construct, id: string): Role {
  return new Role(scope, id, { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
}

function bundledCode(name: LambdaName): Code {
  return Code.fromAsset(join(PROJECT_ROOT, "functions", name), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: Runtime.NODEJS_24_X.bundlingImage, // never pulled: the bundle is made in this process
      local: {
        tryBundle: (outFolder) => {
          bundleFunction(name, outFolder);
          return true;
        },
      },
    },
  });
}
