/** Entry of the browser host: what `npm start` opens where Electron cannot be had. */
import { parseArgs } from "node:util";
import { FacetError } from "./core/errors.ts";
import { serve, untilAskedToStop } from "./host/serve.ts";
import { defaultLibraryFolder } from "./library-folder.ts";

function options() {
  const { values } = parseArgs({
    options: {
      library: { type: "string" },
      port: { type: "string" },
      listen: { type: "string" },
      token: { type: "string" },
      open: { type: "boolean", default: false },
    },
  });
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65_536)) {
    throw new FacetError("invalid-argument", `--port ${values.port} is no port (0 to 65535).`, {
      field: "port",
    });
  }
  // A token in the environment does not show in the list of processes.
  const token = values.token ?? process.env["FACET_TOKEN"];
  const library = values.library ?? defaultLibraryFolder();
  return { library, port, listen: values.listen, token, open: values.open };
}

try {
  await using serving = await serve({ ...options(), print: (line) => console.log(line) });
  await untilAskedToStop();
  void serving;
} catch (error) {
  console.error(error instanceof FacetError ? error.message : error);
  process.exitCode = 1;
}
