import type { PortalCell, PortalTable } from '../src/demo/portals/portal-table.js'
import { trialTable } from './portal-trial.js'

/** A row of a table that is edited over time. */
interface EditedRow {
  readonly id: number
  readonly number: string
  readonly district: string
  readonly title: string | null
  readonly editedMs: number
}

/** What a publisher does to a table; `at` chooses a row, by its place modulo the number of rows. */
export type Edit =
  | { readonly kind: 'add'; readonly district: number; readonly title: string | null }
  | { readonly kind: 'retitle'; readonly at: number; readonly title: string | null }
  | { readonly kind: 'move'; readonly at: number; readonly district: number }
  | { readonly kind: 'delete'; readonly at: number }
  /** The row gets another key, which to others looks like a row that went and one that came. */
  | { readonly kind: 'renumber'; readonly at: number }
  /** The row gets the key of the row before it: nothing tells them apart any more. */
  | { readonly kind: 'double'; readonly at: number }
  /** The portal dates the row anew, and nothing of it is another. */
  | { readonly kind: 'touch'; readonly at: number }
  /** All rows are loaded anew: other row ids, all dated now, in another order. */
  | { readonly kind: 'reload' }

/** Name of the column with the time of the last edit, where a family shows it. */
export const EDITED = 'edited_at'

const ID = 'abcd-1234'
/** The rows that a table begins with were edited so long before its first publication. */
const LONG_AGO_MS = 100 * 86_400_000

/** A table of service requests whose publisher edits it, as a portal shows it at any time. */
export class EditedTable {
  private rows: readonly EditedRow[]
  private made: number

  /**
   * @param showsEdits   whether the time of the last edit is a column of the table, as on ArcGIS
   * @param promisesKeys whether the portal says that no number stands twice
   */
  constructor(
    count: number,
    private nowMs: number,
    private readonly showsEdits: boolean,
    private readonly promisesKeys: boolean,
  ) {
    this.made = count
    const editedMs = nowMs - LONG_AGO_MS
    this.rows = Array.from({ length: count }, (_none, id) => ({
      ...this.row(id, id % 3, `request ${id}`),
      editedMs,
    }))
  }

  /** The publisher's next publication. @param hours after the last one */
  publish(edits: readonly Edit[], hours: number): void {
    this.nowMs += hours * 3_600_000
    for (const edit of edits) this.edit(edit)
  }

  /** What the portal shows now. */
  table(): PortalTable {
    const { rows, nowMs, showsEdits, promisesKeys } = this
    const types = { number: 'text', district: 'text', title: 'text' } as const
    const cells = rows.map(({ number, district, title, editedMs }): PortalCell[] => [
      ...[number, district, title],
      ...(showsEdits ? [new Date(editedMs).toISOString().slice(0, -1)] : []),
    ])
    const shown = trialTable(showsEdits ? { ...types, [EDITED]: 'date' } : types, cells, {
      ...{ id: ID, updatedAt: nowMs },
      ...(promisesKeys ? { keyColumn: 'number' } : {}),
    })
    return {
      ...shown,
      rowId: (index) => rows[index]?.id ?? index,
      rowUpdatedAt: (index) => rows[index]?.editedMs ?? nowMs,
    }
  }

  private row(id: number, district: number, title: string | null): EditedRow {
    const number = `SR-${String(id).padStart(4, '0')}`
    return { id, number, district: `0${district + 1}`, title, editedMs: this.nowMs }
  }

  private edit(edit: Edit): void {
    if (edit.kind === 'add') this.rows = [...this.rows, this.row(this.made++, edit.district, edit.title)]
    else if (edit.kind === 'reload')
      this.rows = this.rows.toReversed().map((row) => ({ ...row, id: this.made++, editedMs: this.nowMs }))
    else if (this.rows.length > 1) this.editRow(edit, edit.at % this.rows.length)
  }

  private editRow(edit: Exclude<Edit, { kind: 'add' | 'reload' }>, place: number): void {
    const editedMs = this.nowMs
    this.rows = this.rows.flatMap((row, at): EditedRow[] => {
      if (at !== place) return [row]
      if (edit.kind === 'delete') return []
      if (edit.kind === 'retitle') return [{ ...row, title: edit.title, editedMs }]
      if (edit.kind === 'move') return [{ ...row, district: `0${edit.district + 1}`, editedMs }]
      if (edit.kind === 'double')
        return [{ ...row, number: this.rows.at(at - 1)?.number ?? row.number, editedMs }]
      if (edit.kind === 'renumber') return [{ ...row, number: `${row.number}-x`, editedMs }]
      return [{ ...row, editedMs }]
    })
  }
}
