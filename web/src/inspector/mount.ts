// The inspector in an element of a page: it opens what it is given, chosen or dropped, and shows it.

import { callable, members } from "../checks.js";
import { AlluviumError } from "../error.js";
import { labelled, make } from "./dom.js";
import { type Inspectable, openable } from "./opening.js";
import { Scope } from "./scope.js";
import { styleSheet } from "./style.js";
import { messageOf } from "./values.js";

/** The options of `mountInspector`. */
export interface InspectorOptions {
  /** What is opened at first. The default is nothing. */
  open?: Inspectable | undefined;
  /** Whether people can choose files and drop them. The default is `true`. */
  choosing?: boolean | undefined;
  /** Where people can drop files. The default is the inspector itself. */
  dropTarget?: EventTarget | undefined;
}

/** An inspector in a page. */
export interface Inspector {
  /**
   * Opens something and shows it in place of what was shown before. Resolves when it is shown, or when something else was
   * opened meanwhile. If it cannot be opened, the inspector says so, and this is rejected.
   */
  open(what: Inspectable): Promise<void>;
  /** Takes the inspector out of the page. Resolves when everything that it has opened is closed. */
  remove(): Promise<void>;
}

/**
 * Mounts an inspector at the end of an element. It shows checkpoints with their sizes, the positions of sources, namespaces,
 * keys and values, and what differs between two checkpoints. It only reads.
 *
 * It is in a shadow tree with a style of its own, so the page's style and its own do not meet. Its colours follow the
 * `color-scheme` of the element.
 */
export function mountInspector(element: Element, options: InspectorOptions = {}): Inspector {
  callable("element: its append", (element as Element | null | undefined)?.append);
  return new Mounted(element, members("the options of an inspector", options, ["open", "choosing", "dropTarget"]));
}

/** The inspector shows the error, and no caller waits for it. */
const SHOWN = () => {};

type Picker = () => Promise<FileSystemDirectoryHandle>;

class Mounted implements Inspector {
  readonly #host = make("div");
  readonly #status = make("p", { id: "status", role: "status" }, "Nothing is open yet.");
  readonly #inspected = make("div", { id: "inspected" });
  readonly #listening = new AbortController();
  readonly #all = new Scope();
  #shown: Scope | undefined;

  constructor(element: Element, { open, choosing = true, dropTarget = this.#host }: InspectorOptions) {
    const what = open && openable(open);
    const root = this.#host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    root.append(make("div", { class: "inspector" }, ...(choosing ? this.#controls() : []), this.#status, this.#inspected));
    if (choosing) this.#takeDrops(dropTarget);
    element.append(this.#host);
    if (what) this.#show(what).catch(SHOWN);
  }

  async open(what: Inspectable): Promise<void> {
    if (this.#all.isClosed) throw new AlluviumError("closed", "the inspector was removed: mount another one");
    await this.#show(openable(what));
  }

  async remove(): Promise<void> {
    this.#listening.abort();
    this.#host.remove();
    await this.#all.close();
  }

  /** Shows something in an element of its own. What comes too late is not seen. */
  async #show({ name, show }: ReturnType<typeof openable>): Promise<void> {
    void this.#shown?.close();
    const mine = (this.#shown = this.#all.inner());
    const element = make("div");
    this.#inspected.replaceChildren(element);
    this.#say(`Opening ${name} …`);
    try {
      await show(element, mine);
      if (!mine.isClosed) this.#say(`${name} is open. Nothing is written to it, and nothing leaves this page.`);
    } catch (thrown) {
      if (mine.isClosed) return;
      void mine.close();
      const kind = thrown instanceof AlluviumError ? ` (${thrown.kind})` : "";
      this.#say(`${name} cannot be opened${kind}: ${messageOf(thrown)}`, "bad");
      element.remove();
      throw thrown;
    }
  }

  #say(text: string, className = ""): void {
    this.#status.className = className;
    this.#status.textContent = text;
  }

  /** Opens what a person chose. */
  #choose(what: Inspectable | undefined | null): void {
    if (what) this.open(what).catch(SHOWN);
  }

  /** Returns the controls with which a person chooses files. */
  #controls(): HTMLElement[] {
    const { signal } = this.#listening;
    const file = make("input", { type: "file", id: "file" });
    const folder = make("input", { type: "file", id: "folder", webkitdirectory: "" });
    const pick = make("button", { type: "button", id: "pick" }, "Pick a directory");
    const cannot = make("p", { class: "note", id: "no-picker" }, "This browser cannot pick a directory by File System Access. Choose it above, or drop it here.");
    const picker = (globalThis as { showDirectoryPicker?: Picker }).showDirectoryPicker;
    pick.hidden = picker === undefined;
    cannot.hidden = picker !== undefined;
    file.addEventListener("change", () => this.#choose(file.files?.[0]), { signal });
    folder.addEventListener("change", () => folder.files?.length && this.#choose(folder.files), { signal });
    // Nothing is picked if the person closes the dialog.
    pick.addEventListener("click", () => void picker?.call(globalThis).then((handle) => this.#choose(handle), () => undefined), { signal });
    return [make("div", { class: "row sources" }, labelled("File of a checkpoint (.tar)", file), labelled("Directory or job", folder), pick), cannot];
  }

  /** Opens what is dropped: a folder, or the file of a checkpoint. */
  #takeDrops(target: EventTarget): void {
    const { signal } = this.#listening;
    target.addEventListener("dragover", (event) => event.preventDefault(), { signal });
    const dropped = (event: Event) => {
      const [item] = [...((event as DragEvent).dataTransfer?.items ?? [])].filter(({ kind }) => kind === "file");
      if (item === undefined) return;
      event.preventDefault();
      const entry = item.webkitGetAsEntry();
      const file = item.getAsFile();
      this.#choose(entry?.isDirectory ? (entry as FileSystemDirectoryEntry) : file);
    };
    target.addEventListener("drop", dropped, { signal });
  }
}
