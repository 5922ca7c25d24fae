// The page of the inspector: it opens what is dropped, picked or chosen, and shows it.

import { AlluviumError, Checkpoints } from "alluvium";
import { type Files, below, directoryOf, filesOfHandle, filesOfInput, isJob } from "../../../dist/inspector/folder.js";
import { make } from "../../../dist/inspector/dom.js";
import { inspect } from "../../../dist/inspector/inspect.js";
import { jobOf } from "../../../dist/inspector/job.js";

const by = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T;
const [status, host] = [by("status"), by("inspected")];

const opened: Checkpoints[] = [];
/** What closes the states that are shown. */
const shown: (() => void)[] = [];
/** The number of what is opened. What an earlier one finds out late is not shown. */
let turn = 0;

/** Opens something and shows it. An error names what could not be opened. */
async function show(name: string, open: (isCurrent: () => boolean) => Promise<void>): Promise<void> {
  const mine = ++turn;
  status.className = "";
  status.textContent = `Opening ${name} …`;
  host.replaceChildren();
  for (const close of shown.splice(0)) close();
  const before = opened.splice(0);
  await Promise.allSettled(before.map((checkpoints) => checkpoints.close()));
  try {
    await open(() => mine === turn);
    if (mine === turn) status.textContent = `${name} is open. Nothing is written to it, and nothing leaves this page.`;
  } catch (thrown) {
    if (mine !== turn) return;
    const kind = thrown instanceof AlluviumError ? ` (${thrown.kind})` : "";
    status.className = "bad";
    status.textContent = `${name} cannot be opened${kind}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    host.replaceChildren();
  }
}

async function view(element: HTMLElement, checkpoints: Checkpoints): Promise<void> {
  shown.push(await inspect(element, checkpoints));
}

async function keep(opening: Promise<Checkpoints>): Promise<Checkpoints> {
  const checkpoints = await opening;
  opened.push(checkpoints);
  return checkpoints;
}

const openArchive = (file: File) =>
  show(file.name, async () => {
    const checkpoints = await keep(Checkpoints.open({ name: "archive", storage: "memory" }));
    await checkpoints.importCheckpoint(file);
    await view(host, checkpoints);
  });

const openDirectory = (files: Files) => keep(Checkpoints.open({ name: "directory", storage: directoryOf(files), readOnly: true, create: false }));

const openFolder = (name: string, files: Files) =>
  show(name, async (isCurrent) => {
    if (files.size === 0) throw new Error("it has no files");
    if (!isJob(files)) return view(host, await openDirectory(files));
    const log = await openDirectory(below(files, "log"));
    const panel = make("div");
    let shownPart = 0;
    /** Shows checkpoints in place of those that there were. Each has an element of its own, so a slow one comes too late. */
    const into = async (opening: Promise<Checkpoints>) => {
      const mine = ++shownPart;
      const isWanted = () => isCurrent() && mine === shownPart;
      const element = make("div");
      panel.replaceChildren(element);
      try {
        const checkpoints = await opening;
        if (isWanted()) await view(element, checkpoints);
      } catch (thrown) {
        if (isWanted()) throw thrown;
      }
    };
    const title = make("h2", { tabindex: "-1", id: "of-job" }, "The log of the job");
    const openPart = (path: string, checkpoint: number) => {
      title.textContent = `${path}, of which checkpoint ${checkpoint} counts`;
      into(openDirectory(below(files, path))).catch((thrown: unknown) => panel.replaceChildren(make("p", { class: "bad", role: "alert" }, `${path} cannot be opened: ${thrown instanceof Error ? thrown.message : String(thrown)}`)));
      title.focus();
    };
    host.replaceChildren(jobOf(log, openPart), title, panel);
    await into(Promise.resolve(log));
  });

/** Opens what was dropped: a folder, or the file of a checkpoint. */
async function openDropped(transfer: DataTransfer): Promise<void> {
  const [item] = [...transfer.items].filter(({ kind }) => kind === "file");
  const file = item?.getAsFile();
  const entry = item?.webkitGetAsEntry();
  if (entry?.isDirectory) return openFolder(entry.name, await filesOfEntry(entry as FileSystemDirectoryEntry));
  if (file) return openArchive(file);
}

/** Returns the files of a folder that was dropped. */
async function filesOfEntry(folder: FileSystemDirectoryEntry, at = ""): Promise<Files> {
  const files: Files = new Map();
  const reader = folder.createReader();
  // A reader gives its entries in parts, and the last part is empty.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return files;
    for (const entry of entries) {
      if (entry.isFile) files.set(at + entry.name, await new Promise((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)));
      else for (const [path, file] of await filesOfEntry(entry as FileSystemDirectoryEntry, `${at}${entry.name}/`)) files.set(path, file);
    }
  }
}

const picker = (globalThis as { showDirectoryPicker?: () => Promise<FileSystemDirectoryHandle> }).showDirectoryPicker;
by("pick").hidden = picker === undefined;
by("no-picker").hidden = picker !== undefined;
by("pick").addEventListener("click", () => {
  // Nothing is picked if the person closes the dialog.
  void picker?.call(globalThis).then(async (handle) => openFolder(handle.name, await filesOfHandle(handle)), () => undefined);
});
const [file, folder] = [by<HTMLInputElement>("file"), by<HTMLInputElement>("folder")];
file.addEventListener("change", () => file.files?.[0] && void openArchive(file.files[0]));
folder.addEventListener("change", () => {
  const files = [...(folder.files ?? [])];
  if (files.length > 0) void openFolder(files[0]!.webkitRelativePath.split("/")[0] || "the folder", filesOfInput(files));
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer) void openDropped(event.dataTransfer);
});
