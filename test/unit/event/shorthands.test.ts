// The shorthands: sensible category, level and fields for the events that are sent most.
import { describe, expect, it } from "vitest";
import { apiRequest, dataAccess, errorEvent, userAction } from "#event/shorthands.ts";

describe("shorthands", () => {
  it("userAction says who did what", () => {
    expect(userAction("alice", "report_exported").service("s").build()).toEqual({
      category: "USER_ACTION",
      user_id: "alice",
      action: "report_exported",
      service_name: "s",
    });
  });

  it.each([
    [undefined, "INFO"],
    [204, "INFO"],
    [404, "WARN"],
    [503, "ERROR"],
  ])("apiRequest answered %s is of level %s", (status, level) => {
    const request = { method: "GET", path: "/orders/7", ...(status === undefined ? {} : { status }) };

    expect(apiRequest(request).service("s").build()).toMatchObject({
      level,
      category: "API_REQUEST",
      action: "api_request",
      resource_type: "endpoint",
      resource_id: "/orders/7",
      metadata: { http: request },
    });
  });

  it("apiRequest takes a duration", () => {
    const draft = apiRequest({ method: "GET", path: "/", durationMs: 3.5 }).service("s").build();

    expect(draft.duration_ms).toBe(3.5);
  });

  it("errorEvent describes a caught error", () => {
    const error = Object.assign(new Error("no such file"), { code: "ENOENT" });

    expect(errorEvent("config_read", error).service("s").build()).toMatchObject({
      level: "ERROR",
      category: "ERROR_EVENT",
      action: "config_read",
      message: "no such file",
      error_code: "ENOENT",
      error_message: "no such file",
      stack_trace: error.stack,
    });
  });

  it.each([
    [new TypeError(""), "TypeError", "TypeError"],
    ["plain text", "Error", "plain text"],
    [undefined, "Error", "undefined"],
    ["", "Error", "unknown"],
  ])("errorEvent never fails over the shape of what was caught: %s", (thrown, code, message) => {
    expect(errorEvent("a", thrown).service("s").build()).toMatchObject({
      error_code: code,
      error_message: message,
    });
  });

  it("dataAccess says who read what", () => {
    expect(dataAccess("alice", "patient", "p-17").service("s").build()).toEqual({
      category: "DATA_ACCESS",
      action: "data_access",
      user_id: "alice",
      resource_type: "patient",
      resource_id: "p-17",
      service_name: "s",
    });
  });
});
