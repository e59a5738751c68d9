import { z } from 'zod'

const Rows = z.int().nonnegative()

/** What became of one division's rows between two snapshots of a source. `movedIn` and `movedOut` are neither added nor removed. */
const DivisionChanges = z.object({
  division: z.string(),
  added: Rows,
  changed: Rows,
  removed: Rows,
  movedIn: Rows,
  movedOut: Rows,
})
export type DivisionChanges = z.infer<typeof DivisionChanges>

/**
 * What became of the rows between two snapshots of a source, compared by key and text. Divisions without a change are left out.
 * `remapped`: the publisher drew or named its divisions anew, and `rows` of the `of` rows that both snapshots have stand in another one.
 */
export const ChangeCounts = z.object({
  added: Rows,
  changed: Rows,
  removed: Rows,
  moved: Rows,
  divisions: z.array(DivisionChanges),
  remapped: z
    .object({
      rows: Rows,
      of: Rows,
      pairs: z.array(z.object({ from: z.string(), to: z.string(), rows: Rows })),
    })
    .optional(),
})
export type ChangeCounts = z.infer<typeof ChangeCounts>
