// Uploads one file with the official client of tus and tells on its output, line by line,
// what the client tells: "url ADDRESS", "sent BYTES", "resumed", "done ADDRESS",
// "failed REASON". Its one argument is a JSON object.
const fs = require("node:fs");
const path = require("node:path");
const { endpoint, file, storage, packages, chunkSize, parallelUploads } = JSON.parse(process.argv[2]);
const tus = require(path.join(packages, "tus-js-client"));

const tell = (...words) => fs.writeSync(1, `${words.join(" ")}\n`);

const options = {
  endpoint,
  chunkSize: chunkSize || Infinity,
  parallelUploads: parallelUploads || 1,
  metadata: { filename: path.basename(file) },
  retryDelays: [0, 50, 100, 200, 400, 800, 1600, 3200, 3200, 3200, 3200, 3200],
  storeFingerprintForResuming: Boolean(storage),
  urlStorage: storage ? new tus.FileUrlStorage(storage) : undefined,
  onUploadUrlAvailable: () => tell("url", upload.url),
  onProgress: (sent) => tell("sent", sent),
  onError: (reason) => {
    tell("failed", String(reason.message).replaceAll("\n", " "));
    process.exitCode = 1;
  },
  onSuccess: () => tell("done", upload.url),
};

const upload = new tus.Upload(fs.createReadStream(file), options);

async function main() {
  const before = storage ? await upload.findPreviousUploads() : [];
  if (before.length) {
    tell("resumed");
    upload.resumeFromPreviousUpload(before[0]);
  }
  upload.start();
}
main();
