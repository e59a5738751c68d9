import { z } from 'zod'
import type { SnapshotProvenance } from '../settle.js'
import type { LayoutColumn, SurveyedFile } from './adopt-job.js'
import type { FoundFile } from './originals.js'

/** What a commit of adoption says besides what every raw commit says: enough to plan the next one without reading files again. */
const AdoptionRecord = z.looseObject({
  mode: z.enum(['copy', 'register']),
  /** Key of the folders that hold the division. */
  column: z.string(),
  layouts: z.array(z.array(z.tuple([z.string(), z.string()]))),
  files: z.array(
    z.strictObject({
      page: z.int(),
      layout: z.int(),
      rowGroupBytes: z.number(),
      uncompressedBytes: z.number(),
    }),
  ),
})
export type AdoptionRecord = z.infer<typeof AdoptionRecord>

/** A file with its number in the source, and when its bytes were read. */
export interface NumberedFile extends SurveyedFile {
  readonly page: number
  readonly modifiedAt: string
  readonly readAt: string
}

/** The files of the snapshot that was adopted last, or none. */
export interface LastAdoption {
  readonly record: AdoptionRecord | undefined
  readonly files: readonly NumberedFile[]
}

/** Reads what {@link recordOf} wrote; a snapshot that was not adopted has no such files. */
export function lastAdoption(last: SnapshotProvenance | undefined): LastAdoption {
  const record = AdoptionRecord.safeParse(last?.adoption).data
  if (last === undefined || record === undefined) return { record: undefined, files: [] }
  const known = new Map(record.files.map((file) => [file.page, file]))
  const files = last.pages.flatMap((page): NumberedFile[] => {
    const file = known.get(page.page)
    if (file === undefined) return []
    return [
      {
        page: page.page,
        path: page.url,
        sha256: page.sha256,
        bytes: page.bytes,
        rows: page.rowsIn,
        layout: record.layouts[file.layout] ?? [],
        uncompressedBytes: file.uncompressedBytes,
        rowGroupBytes: file.rowGroupBytes,
        modifiedAt: page.publishedAt ?? '',
        readAt: page.readAt,
      },
    ]
  })
  return { record, files }
}

/** The record of an adoption: layouts once each, however many files have them. */
export function recordOf(
  mode: AdoptionRecord['mode'],
  column: string,
  files: readonly NumberedFile[],
): AdoptionRecord {
  const layouts = new Map<string, number>()
  const listed: LayoutColumn[][] = []
  const numberOf = (layout: readonly LayoutColumn[]) => {
    const text = JSON.stringify(layout)
    const known = layouts.get(text)
    if (known !== undefined) return known
    layouts.set(text, listed.length)
    return listed.push([...layout]) - 1
  }
  return {
    mode,
    column,
    files: files.map(({ page, layout, rowGroupBytes, uncompressedBytes }) => ({
      page,
      layout: numberOf(layout),
      rowGroupBytes,
      uncompressedBytes,
    })),
    layouts: listed.map((layout) => layout.map(([name, type]): [string, string] => [name, type])),
  }
}

/** A file must have been left alone for so long before it was read, or its time proves nothing: S3 tells whole seconds. */
const SETTLED_MS = 3_000

/** A known file whose name, size and time are as they were: its bytes need not be read again. */
export function unchangedFile(last: LastAdoption, found: FoundFile): NumberedFile | undefined {
  const known = last.files.find(({ path }) => path === found.path)
  if (known === undefined || known.bytes !== found.bytes) return undefined
  const modifiedAt = found.modifiedAt.toISOString()
  const wasSettled = Date.parse(known.readAt) - found.modifiedAt.getTime() >= SETTLED_MS
  return known.modifiedAt === modifiedAt && wasSettled ? known : undefined
}

/** Numbers of files: a known path keeps its own, new ones follow in the order of their paths. */
export function numberPaths(last: LastAdoption, paths: readonly string[]): Map<string, number> {
  const known = new Map(last.files.map(({ path, page }) => [path, page]))
  let next = Math.max(-1, ...known.values()) + 1
  return new Map(paths.map((path) => [path, known.get(path) ?? next++]))
}
