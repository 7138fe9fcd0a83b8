/** `npm start`: the server on one machine, configured by the environment. */
import { serve } from "#infra/local/serve.ts";

process.exitCode = await serve();
