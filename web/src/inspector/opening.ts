// Opens what can be inspected, and shows it in an element.

import type { Checkpoints } from "../checkpoints.js";
import { refuse } from "../checks.js";
import { AlluviumError } from "../error.js";
import type { CheckpointDirectory } from "../types.js";
import { make } from "./dom.js";
import { type Files, below, directoryOf, filesOfEntry, filesOfHandle, filesOfInput, isJob } from "./folder.js";
import { inspect } from "./inspect.js";
import { jobOf } from "./job.js";
import type { Scope } from "./scope.js";
import { messageOf } from "./values.js";

/**
 * What an inspector can open:
 *
 * - the file of a checkpoint, as `exportCheckpoint` returns it and `alluvium export` writes it
 * - the files of a directory of checkpoints or of a job: those of `<input type="file" webkitdirectory>`, a directory that a
 *   person picked or dropped, or files by their paths in the directory
 * - checkpoints that are open. They are only read, and stay open.
 * - a directory of your own, as `storage` of `Checkpoints.open` takes it
 */
export type Inspectable = Blob | Iterable<File> | FileSystemDirectoryHandle | FileSystemDirectoryEntry | ReadonlyMap<string, Blob> | Checkpoints<any, any> | CheckpointDirectory;

type Kind = "file" | "checkpoints" | "picked" | "dropped" | "by path" | "files" | "directory";

/** Says what it is. A file may come from another frame, and checkpoints from another copy of the package. */
function kindOf(what: Inspectable): Kind {
  if (typeof what !== "object" || what === null) return refuse(`an inspector cannot open ${String(what)}`);
  if ("exportCheckpoint" in what) return "checkpoints";
  if ("arrayBuffer" in what) return "file";
  if ("kind" in what) return "picked";
  if ("createReader" in what) return "dropped";
  if ("readRange" in what) return "directory";
  if ("get" in what) return "by path";
  return Symbol.iterator in what ? "files" : refuse("an inspector cannot open such an object");
}

/** Returns what to call something, and the function that shows it. */
export function openable(what: Inspectable): { name: string; show: (host: HTMLElement, scope: Scope) => Promise<void> } {
  const kind = kindOf(what);
  if (kind === "file") return { name: (what as File).name ?? "the file", show: (host, scope) => showFile(host, what as Blob, scope) };
  if (kind === "checkpoints") {
    const checkpoints = what as Checkpoints<any, any>;
    return { name: checkpoints.name, show: (host, scope) => inspect(host, checkpoints, scope) };
  }
  if (kind === "picked") {
    const handle = what as FileSystemDirectoryHandle;
    return { name: handle.name, show: async (host, scope) => showFiles(host, await filesOfHandle(handle), scope) };
  }
  if (kind === "dropped") {
    const entry = what as FileSystemDirectoryEntry;
    return { name: entry.name, show: async (host, scope) => showFiles(host, await filesOfEntry(entry), scope) };
  }
  if (kind === "by path") return { name: "the directory", show: (host, scope) => showFiles(host, what as Files, scope) };
  if (kind === "files") {
    const files = [...(what as Iterable<File>)];
    return { name: files[0]?.webkitRelativePath.split("/")[0] || "the directory", show: (host, scope) => showFiles(host, filesOfInput(files), scope) };
  }
  return { name: "the directory", show: (host, scope) => showDirectory(host, what as CheckpointDirectory, scope) };
}

async function showFile(host: HTMLElement, file: Blob, scope: Scope): Promise<void> {
  const checkpoints = await scope.open({ name: "file", storage: "memory" });
  await checkpoints.importCheckpoint(file);
  await inspect(host, checkpoints, scope);
}

const openDirectory = (directory: CheckpointDirectory, scope: Scope) => scope.open({ name: "directory", storage: directory, readOnly: true, create: false });

async function showDirectory(host: HTMLElement, directory: CheckpointDirectory, scope: Scope): Promise<void> {
  await inspect(host, await openDirectory(directory, scope), scope);
}

async function showFiles(host: HTMLElement, files: Files, scope: Scope): Promise<void> {
  if (files.size === 0) throw new AlluviumError("not-found", "it has no files");
  await (isJob(files) ? showJob(host, files, scope) : showDirectory(host, directoryOf(files), scope));
}

/** Shows the parts of a job, and the checkpoints of one part at a time. At first, those of the job's log. */
async function showJob(host: HTMLElement, files: Files, scope: Scope): Promise<void> {
  const log = await openDirectory(directoryOf(below(files, "log")), scope);
  const title = make("h2", { tabindex: "-1", id: "of-job" }, "The log of the job");
  const panel = make("div");
  let shown: Scope | undefined;
  /** Each is shown in an element of its own, so what comes too late is not seen. */
  const into = async (show: (element: HTMLElement, scope: Scope) => Promise<void>) => {
    void shown?.close();
    const mine = (shown = scope.inner());
    const element = make("div");
    panel.replaceChildren(element);
    try {
      await show(element, mine);
    } catch (thrown) {
      if (!mine.isClosed) throw thrown;
    }
  };
  const openPart = (path: string, checkpoint: number) => {
    title.textContent = `${path}, of which checkpoint ${checkpoint} counts`;
    into((element, mine) => showDirectory(element, directoryOf(below(files, path)), mine)).catch((thrown: unknown) =>
      panel.replaceChildren(make("p", { class: "bad", role: "alert" }, `${path} cannot be opened: ${messageOf(thrown)}`)),
    );
    title.focus();
  };
  host.replaceChildren(jobOf(log, openPart), title, panel);
  await into((element, mine) => inspect(element, log, mine));
}
