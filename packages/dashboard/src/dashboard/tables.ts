import { create } from '../shared/dom.js';

/** One cell of a row: its text, and its classes. */
export type Cell = readonly [content: string | Node, className?: string];

/** A row that can be told from others when the table changes. */
export interface Row {
  readonly id: string;
  readonly cells: readonly Cell[];
  readonly className?: string;
}

/**
 * The body of a table whose rows change: what stays is left where it is, so that focus, selection and the place to which
 * somebody has scrolled stay, too.
 */
export class TableBody {
  private readonly body: HTMLTableSectionElement;
  private readonly empty: string;
  private rows = new Map<string, HTMLTableRowElement>();

  /** @param empty what is said where there is no row */
  constructor(body: HTMLTableSectionElement, empty: string) {
    this.body = body;
    this.empty = empty;
  }

  show(rows: readonly Row[]): void {
    const { body } = this;
    if (rows.length === 0) {
      this.rows.clear();
      if (body.firstElementChild?.classList.contains('none') !== true) body.replaceChildren(emptyRow(this.empty));
      return;
    }
    body.querySelector('.none')?.remove();
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    const next = new Map<string, HTMLTableRowElement>();
    for (const [at, row] of rows.entries()) {
      const element = this.rows.get(row.id) ?? create('tr');
      fill(element, row);
      if (body.children[at] !== element) body.insertBefore(element, body.children[at] ?? null);
      next.set(row.id, element);
    }
    while (body.children.length > rows.length) body.lastElementChild!.remove();
    this.rows = next;
    // A row that was moved has lost it.
    if (focused instanceof HTMLElement && focused.isConnected && focused !== document.activeElement) {
      focused.focus({ preventScroll: true });
    }
  }
}

function fill(element: HTMLTableRowElement, { cells, className = '' }: Row): void {
  if (element.className !== className) element.className = className;
  for (const [at, [content, classes = '']] of cells.entries()) {
    let cell = element.cells[at];
    if (cell === undefined) {
      cell = element.insertCell();
      cell.className = classes;
      cell.append(content);
    } else if (typeof content === 'string' && cell.textContent !== content) {
      cell.textContent = content;
    } else if (typeof content !== 'string' && cell.textContent !== content.textContent) {
      cell.replaceChildren(content);
    }
  }
}

function emptyRow(text: string): HTMLTableRowElement {
  const cell = create('td', '', text);
  cell.colSpan = 9;
  const row = create('tr', 'none');
  row.append(cell);
  return row;
}
