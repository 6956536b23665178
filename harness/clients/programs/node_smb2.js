// One resident Node.js process that runs @awo00/smb2 for a rehearsal: a JSON object a line in, one a line out.
// in:  {"id", "check": "open|write|rename", "port", "share", "user", "domain", "password", "file",
// "renamed", "text"}; all values are strings
// out: {"id", "ok", "said"}; it ends when its standard input does, whatever it is doing.

"use strict";

const folder = process.argv.at(-1) + "/@awo00/smb2";
const { Client } = load();

function load() {
  try {
    return require(folder);
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    process.stderr.write("the image was built without @awo00/smb2: install npm and build it again, see: rehearse doctor\n");
    process.exit(1);
  }
}

function say(id, ok, said) {
  process.stdout.write(JSON.stringify({ id, ok, said: String(said) }) + "\n");
}

// The library throws some errors where nobody can catch them; the attempt then ends by its own timeout.
process.on("uncaughtException", (error) => process.stderr.write(`${error.stack}\n`));
process.on("unhandledRejection", (error) => process.stderr.write(`${error && error.stack}\n`));

function words(error) {
  const status = error && error.header && error.header.status;
  return status ? `status 0x${status.toString(16)}` : `${(error && error.message) || error}`;
}

async function perform(client, request) {
  const session = await client.authenticate({
    domain: request.domain,
    username: request.user,
    password: request.password,
  });
  const tree = await session.connectTree(request.share);
  if (request.check === "open") {
    const entries = await tree.readDirectory("/");
    return entries.map((entry) => entry.filename).join("\n");
  }
  await tree.createFile(`/${request.file}`, request.text);
  let file = request.file;
  if (request.check === "rename") {
    file = request.renamed;
    await tree.renameFile(`/${request.file}`, `/${file}`);
  }
  const back = await tree.readFile(`/${file}`);
  await tree.removeFile(`/${file}`);
  return back.toString();
}

async function answer(request) {
  const client = new Client("127.0.0.1", { port: Number(request.port) });
  let ok = false;
  let said;
  try {
    said = await perform(client, request);
    ok = true;
  } catch (error) {
    said = words(error);
  }
  // close() logs off first. Where something failed it would wait for a server that may have gone.
  if (ok) await client.close().catch(() => {});
  if (client.socket) client.socket.destroy();
  say(request.id, ok, said);
}

const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => answer(JSON.parse(line)));
lines.on("close", () => process.exit(0));
say("0", true, `@awo00/smb2 ${require(folder + "/package.json").version}, Node.js ${process.version}`);
