import { LEAN, withEngine } from '../../lake/duckdb/engine.js'
import type { ObjectStore, StagedFile } from '../../lake/store.js'
import type { ChangeCell, ComparedPart, CompareJob } from './compare-job.js'
import { matrixSql, type OpenPart, sideSql } from './compare-sql.js'

/** Rows of both sides in memory at once: three whole numbers a row, in a part worker's engine. */
const BUCKET_ROWS = 1_000_000

interface MatrixRow {
  readonly from: number | null
  readonly to: number | null
  readonly rows: number
  readonly changed: number
}

/**
 * The part worker that compares two snapshots row by row, over all divisions at once: by the key, else by the text. Rows are taken in
 * buckets of their id, so that its memory does not grow with the source.
 * @returns the cells of the matrix from-division × to-division that are not empty
 */
export async function compareParts(store: ObjectStore, job: CompareJob): Promise<ChangeCell[]> {
  const divisions = [...new Set([...job.before, ...job.after].map(({ division }) => division))]
  const scratch = await store.scratch()
  const staged: StagedFile[] = []
  try {
    const open = async (parts: readonly ComparedPart[]): Promise<OpenPart[]> => {
      const opened: OpenPart[] = []
      for (const { object, division } of parts) {
        const file = await store.stage(object)
        staged.push(file)
        opened.push({ file: file.file, division: divisions.indexOf(division) })
      }
      return opened
    }
    const [before, after] = [await open(job.before), await open(job.after)]
    const rows = [...job.before, ...job.after].reduce((sum, part) => sum + part.rows, 0)
    const buckets = Math.max(1, Math.ceil(rows / BUCKET_ROWS))
    const matrix = new Map<string, ChangeCell>()
    for (let bucket = 0; bucket < buckets; bucket++) {
      const sides = [before, after].map((parts) => sideSql(job, parts, bucket, buckets)) as [string, string]
      const cells = await withEngine(LEAN, scratch.folder, (engine) =>
        engine.rows<MatrixRow>(matrixSql(...sides)),
      )
      for (const cell of cells) addCell(matrix, divisions, cell)
    }
    return [...matrix.values()]
  } finally {
    for (const file of staged) await file.release()
    await scratch.remove()
  }
}

function addCell(matrix: Map<string, ChangeCell>, divisions: readonly string[], row: MatrixRow): void {
  const name = (at: number | null) => (at === null ? undefined : divisions[at])
  const [from, to] = [name(row.from), name(row.to)]
  const id = JSON.stringify([row.from, row.to])
  const known = matrix.get(id)
  matrix.set(id, {
    ...{ from, to },
    rows: row.rows + (known?.rows ?? 0),
    changed: row.changed + (known?.changed ?? 0),
  })
}
