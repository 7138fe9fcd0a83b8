// CloudTrail records become events by the mapping of the contract; what does not fit is refused, never cut.
import { describe, expect, it } from "vitest";
import { cloudTrailRecords, convertCloudTrail } from "#event/cloudtrail.ts";

const record = {
  eventVersion: "1.08",
  userIdentity: { type: "IAMUser", arn: "arn:aws:iam::111122223333:user/alice", accountId: "111122223333" },
  eventTime: "2023-07-10T12:00:00Z",
  eventSource: "s3.amazonaws.com",
  eventName: "GetBucketPolicy",
  sourceIPAddress: "192.0.2.1",
  userAgent: "aws-cli/2",
  errorCode: "NoSuchBucketPolicy",
  errorMessage: "The bucket policy does not exist",
  requestID: "R1",
  eventID: "3038ebd2-c98a-4c65-9b6e-e22506292313",
  readOnly: true,
  resources: [
    { type: "AWS::S3::Bucket", ARN: "arn:aws:s3:::b", accountId: "111122223333" },
    { type: "other" },
  ],
};

describe("convertCloudTrail", () => {
  it("maps a record by the contract and keeps it whole", () => {
    expect(convertCloudTrail(record)).toEqual({
      kind: "converted",
      draft: {
        event_id: record.eventID,
        timestamp: "2023-07-10T12:00:00Z",
        service_name: "s3.amazonaws.com",
        action: "GetBucketPolicy",
        level: "ERROR",
        category: "DATA_ACCESS",
        user_id: "arn:aws:iam::111122223333:user/alice",
        request_id: "R1",
        error_code: "NoSuchBucketPolicy",
        error_message: "The bucket policy does not exist",
        source_ip: "192.0.2.1",
        user_agent: "aws-cli/2",
        resource_type: "AWS::S3::Bucket",
        resource_id: "arn:aws:s3:::b",
        message: "GetBucketPolicy by arn:aws:iam::111122223333:user/alice",
        metadata: { cloudtrail: record },
      },
    });
  });

  it.each([
    [{ eventName: "ConsoleLogin", eventSource: "signin.amazonaws.com" }, "AUTHENTICATION"],
    [{ eventName: "AssumeRole", eventSource: "sts.amazonaws.com" }, "AUTHENTICATION"],
    [{ eventName: "AssumeRoleWithSAML", eventSource: "sts.amazonaws.com" }, "AUTHENTICATION"],
    [{ eventName: "GetSessionToken", eventSource: "sts.amazonaws.com" }, "AUTHENTICATION"],
    [{ eventName: "GetCallerIdentity", eventSource: "sts.amazonaws.com" }, "DATA_ACCESS"],
    [{ eventName: "AssumeRole", eventSource: "example.amazonaws.com" }, "DATA_ACCESS"],
    [{ readOnly: false }, "DATA_MODIFICATION"],
    [{ readOnly: undefined }, "DATA_MODIFICATION"],
  ])("files %o under %s", (members, category) => {
    expect(convertCloudTrail({ ...record, ...members })).toMatchObject({ draft: { category } });
  });

  it.each([
    [{ arn: "a", principalId: "p", invokedBy: "i", accountId: "1" }, "a"],
    [{ principalId: "p", invokedBy: "i", accountId: "1" }, "p"],
    [{ arn: "", invokedBy: "i", accountId: "1" }, "i"],
    [{ accountId: "1" }, "1"],
  ])("takes the user from %o", (userIdentity, userId) => {
    expect(convertCloudTrail({ ...record, userIdentity })).toMatchObject({ draft: { user_id: userId } });
  });

  it("takes a record without identity, error, address and resources", () => {
    const bare = { eventID: "e", eventTime: "2023-07-10T12:00:00Z", eventSource: "s", eventName: "n" };

    expect(convertCloudTrail({ ...bare, userIdentity: null, errorCode: null })).toEqual({
      kind: "converted",
      draft: {
        event_id: "e",
        timestamp: bare.eventTime,
        service_name: "s",
        action: "n",
        level: "INFO",
        category: "DATA_MODIFICATION",
        message: "n",
        metadata: { cloudtrail: { ...bare, userIdentity: null, errorCode: null } },
      },
    });
  });

  it("leaves address and agent out where they pass their limits; the record has them", () => {
    const conversion = convertCloudTrail({
      ...record,
      sourceIPAddress: "x".repeat(65),
      userAgent: "x".repeat(513),
    });

    const draft = conversion.kind === "converted" ? conversion.draft : {};
    expect(draft).not.toHaveProperty("source_ip");
    expect(draft).not.toHaveProperty("user_agent");
    expect(draft.metadata).toMatchObject({ cloudtrail: { userAgent: "x".repeat(513) } });
  });

  it.each([
    ["no object", ""],
    [{ ...record, eventID: undefined }, "/eventID"],
    [{ ...record, eventTime: 5 }, "/eventTime"],
    [{ ...record, userIdentity: "root" }, "/userIdentity"],
    [{ ...record, resources: ["x"] }, "/resources/0"],
  ])("refuses what is no record, by path", (input, path) => {
    const conversion = convertCloudTrail(input);

    expect(conversion).toMatchObject({ kind: "refused", errors: [{ path }] });
  });
});

describe("cloudTrailRecords", () => {
  it("finds the records of a log file", () => {
    expect(cloudTrailRecords({ Records: [1, 2] })).toEqual([1, 2]);
  });

  it.each([[{}], [[]], ["Records"], [{ Records: {} }], [null]])("knows that %o is none", (file) => {
    expect(cloudTrailRecords(file)).toBeUndefined();
  });
});
