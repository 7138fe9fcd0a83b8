/**
 * The text that a deflated body may point back into: names of members and their usual values, in the order in which a
 * stored line has them, the most frequent last. FROZEN: bodies are unreadable without exactly these bytes, so a better
 * text is another constant under another codec byte. Measured in ADR 6.
 */

/** Members of a CloudTrail record as `metadata` holds it, and of its usual answers. */
const CLOUD_TRAIL =
  '"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::is not authorized to perform: on resource: ' +
  'because no identity-based policy allows the action""additionalEventData":{"SignatureVersion":"SigV4",' +
  '"CipherSuite":"ECDHE-RSA-AES128-GCM-SHA256","bytesTransferredIn":0,"bytesTransferredOut":0,' +
  '"AuthenticationMethod":"AuthHeader","x-amz-id-2":""},"apiVersion":"2016-11-15"maxResults":nextToken' +
  '"resources":[{"ARN":"arn:aws:s3:::","accountId":"","type":"AWS::S3::Bucket"},{"type":"AWS::S3::Object"' +
  '"invokedBy":".amazonaws.com"type":"AWSService""type":"Root""type":"IAMUser","userName":"' +
  'DescribeListGetPutCreateDeleteUpdateAssumeRole"filterSet":{},"instancesSet":{"items":[{"instanceId":"i-' +
  '"metadata":{"cloudtrail":{"awsRegion":"us-east-1","eventCategory":"Management","eventID":"",' +
  '"eventName":"","eventSource":".amazonaws.com","eventTime":"2026-01-01T00:00:00Z","eventType":"AwsApiCall",' +
  '"eventVersion":"1.08","managementEvent":true,"readOnly":true,"recipientAccountId":"","requestID":"",' +
  '"requestParameters":{"roleArn":"arn:aws:iam::role/","roleSessionName":""},"responseElements":null,' +
  '"sessionCredentialFromConsole":"true","sharedEventID":"","sourceIPAddress":".amazonaws.com",' +
  '"tlsDetails":{"cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":".us-east-1.amazonaws.com",' +
  '"tlsVersion":"TLSv1.3"},"userAgent":"aws-sdk-/console.amazonaws.com","userIdentity":{"accessKeyId":"ASIA",' +
  '"accountId":"","arn":"arn:aws:sts::assumed-role/","principalId":"AROA","sessionContext":{"attributes":' +
  '{"creationDate":"2026-01-01T00:00:00Z","mfaAuthenticated":"false"},"sessionIssuer":{"accountId":"",' +
  '"arn":"arn:aws:iam::role/aws-service-role/","principalId":"AROA","type":"Role","userName":""},' +
  '"webIdFederationData":{}},"type":"AssumedRole"}}}';

/** The stored line's own members, in canonical order. */
const LINE =
  '"stack_trace":"Error: at (node:internal/"error_code":"","error_message":"","changes":[{"after":"","before":"",' +
  '"path":"/"}],"on_behalf_of":[{"id":"","type":"user"}],"trace_id":"","span_id":"","tenant_id":"' +
  "AUTHENTICATIONAUTHORIZATIONDATA_MODIFICATIONUSER_ACTIONAPI_REQUESTERROR_EVENTPERFORMANCESECURITY" +
  'DEBUGWARNCRITICALERROR"applicationdocumentcustomeraccountorderinvoicepaymentfilereportsessiontoken' +
  '{"_defaulted":["category","level","message","metadata","timestamp"],"_salt":"","_v":1,"action":"' +
  'createdupdatedeletereaduser_loginlogout","category":"DATA_ACCESS","category":"SYSTEM_EVENT","duration_ms":' +
  ',"event_id":"01","level":"INFO","message":"","metadata":{"":"","":},"received_at":"2026-01-01T00:00:00.000Z",' +
  '"request_id":"","resource_id":"","resource_type":"","service_name":"-service","session_id":"",' +
  '"source_ip":"10.","tenant_id":"default","timestamp":"2026-01-01T00:00:00.000Z","user_agent":"Mozilla/5.0 (' +
  'Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/ Safari/537.36","user_id":"user-@.com"}';

/** Bytes of dictionary 1; 32 KiB would be the most that deflate can point back (RFC 1951). */
export const DICTIONARY_1: Uint8Array = Buffer.from(CLOUD_TRAIL + LINE, "latin1");
