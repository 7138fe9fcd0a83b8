/**
 * The HTTP API, built from the one route table: a route for each entry, HEAD where there is GET, and whatever matches none
 * goes to the query function, which answers 404 or 405 as the table says.
 */
import {
  CfnStage,
  HttpApi as GatewayHttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
} from "aws-cdk-lib/aws-apigatewayv2";
import type { IHttpRouteAuthorizer } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import type { FunctionName, Route } from "#http/route-table.ts";
import { ROUTES } from "#http/route-table.ts";

export interface HttpApiProps {
  readonly functions: Readonly<Record<FunctionName, IFunction>>;
  /** iam: all but public routes want signed requests. open: no route does. */
  readonly access: "iam" | "open";
  /** Beyond it API Gateway answers 429. */
  readonly requestLimit: { readonly perSecond: number; readonly burst: number };
}

export class HttpApi extends Construct {
  readonly api: GatewayHttpApi;

  constructor(scope: Construct, id: string, { functions, access, requestLimit }: HttpApiProps) {
    super(scope, id);
    const integrations = {
      ingest: new HttpLambdaIntegration("Ingest", functions.ingest),
      query: new HttpLambdaIntegration("Query", functions.query),
      health: new HttpLambdaIntegration("Health", functions.health),
      prove: new HttpLambdaIntegration("Prove", functions.prove),
    } as const satisfies Record<FunctionName, HttpLambdaIntegration>;
    this.api = new GatewayHttpApi(this, "Api", {
      description: "Audit log",
      defaultIntegration: integrations.query,
      defaultAuthorizer: new HttpNoneAuthorizer(),
      createDefaultStage: true,
    });
    const signed = new HttpIamAuthorizer();
    for (const route of ROUTES) {
      const authorizer: IHttpRouteAuthorizer =
        access === "open" || route.scope === "public" ? new HttpNoneAuthorizer() : signed;
      this.api.addRoutes({
        path: route.path,
        methods: methodsOf(route),
        integration: integrations[route.function],
        authorizer,
      });
    }
    const stage = this.api.defaultStage?.node.defaultChild;
    if (stage instanceof CfnStage) {
      stage.defaultRouteSettings = {
        throttlingRateLimit: requestLimit.perSecond,
        throttlingBurstLimit: requestLimit.burst,
      };
    }
  }
}

function methodsOf({ method }: Route): HttpMethod[] {
  return method === "GET" ? [HttpMethod.GET, HttpMethod.HEAD] : [HttpMethod.POST];
}
