/** What the transparency log is told by the environment, in both forms of the service: its name, and its witnesses. */
import * as z from "zod";

/** Where a witness is asked, and the key by which its answers are checked. */
export interface WitnessAddress {
  /** Submission prefix (C2SP tlog-witness). */
  readonly url: string;
  /** Verifier key, of a cosigner. */
  readonly verifierKey: string;
}

/** C2SP tlog-checkpoint: not empty, without spaces and pluses. Paths and file names are never made of it. */
export const LogOrigin = z.string().regex(/^[^\s+\p{Cc}]{1,200}$/u);
export const EXPECTED_ORIGIN =
  "a name such as audit.example.org/log, without spaces and pluses, of at most 200 characters";

const VERIFIER_KEY = /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/;
const MAX_WITNESSES = 16;

const Address = z.strictObject({
  url: z.string().regex(/^https?:\/\/[^/\s]+(\/\S*)?$/),
  vkey: z.string().regex(VERIFIER_KEY),
});

export const Witnesses = z
  .string()
  .transform(jsonOrNull)
  .pipe(z.array(Address).max(MAX_WITNESSES))
  .transform((witnesses) => witnesses.map(({ url, vkey }): WitnessAddress => ({ url, verifierKey: vkey })));
export const EXPECTED_WITNESSES = `a JSON array of at most ${MAX_WITNESSES} witnesses, [{"url":"https://…","vkey":"name+id+key"}]`;

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
