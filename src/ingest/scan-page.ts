import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type { ObjectStore, Scratch } from '../lake/store.js'
import { cellsOf, formatRecord } from '../sources/files/csv-records.js'
import { decompress, isSimpleGzip } from '../sources/files/decompress.js'
import { type CsvReading, type CsvSummary, readCsv } from '../sources/files/read-csv.js'
import { readSpooled, type SpooledPage } from './spool.js'

/** A spooled page after it was counted: what the engine is to read, and how many rows it must find. */
export interface ScannedPage {
  readonly page: SpooledPage
  readonly summary: CsvSummary
  /** Lines of JSON with the bad rows, in scratch; undefined when there are none. */
  readonly badRows: string | undefined
  /** A rewritten copy that any reader takes the same way, in scratch; undefined when the body itself is such a file. */
  readonly copy: string | undefined
}

/** How the scan reads, besides the file's name. */
export type ScanSettings = Omit<CsvReading, 'file'>

/**
 * Counts and checks every row of a spooled page in constant memory, sets bad rows aside, and where the file is not
 * plain (bad rows, blank lines, bare quotes, mixed line ends, gzip of several members) writes the good rows anew.
 * @throws the errors of `readCsv` and `decompress`
 */
export async function scanPage(
  store: ObjectStore,
  scratch: Scratch,
  page: SpooledPage,
  settings: ScanSettings,
): Promise<ScannedPage> {
  const reading: CsvReading = { ...settings, file: page.url }
  const badFile = join(scratch.folder, `bad-${page.page}.ndjson`)
  const summary = await scanInto(badFile, store, page, reading)
  const isPlain = summary.isPlain && (await isReadable(store, page, summary.bytes))
  const copy = isPlain ? undefined : join(scratch.folder, `copy-${page.page}.csv`)
  if (copy !== undefined) await rewrite(copy, summary, store, page, reading)
  return { page, summary, badRows: summary.badRows > 0 ? badFile : undefined, copy }
}

/** Whether the engine can decompress the body itself. */
async function isReadable(
  store: ObjectStore,
  page: SpooledPage,
  decompressedBytes: number,
): Promise<boolean> {
  if (!page.gzip) return true
  const start = await store.getRange(page.body, 0, 10)
  const end = await store.getRange(page.body, page.bytes - 4, page.bytes)
  return start !== undefined && end !== undefined && isSimpleGzip(start, end, decompressedBytes)
}

async function scanInto(
  badFile: string,
  store: ObjectStore,
  page: SpooledPage,
  reading: CsvReading,
): Promise<CsvSummary> {
  const handle = await open(badFile, 'w')
  try {
    return await readCsv(decompress(readSpooled(store, page), page.url), reading, {
      onBad: async (row) => {
        await handle.writeFile(`${JSON.stringify(row)}\n`)
      },
    })
  } finally {
    await handle.close()
  }
}

/** The good rows as strict CSV: every cell quoted, comma, line feed; the header by numbers, for nobody reads it. */
async function rewrite(
  copy: string,
  summary: CsvSummary,
  store: ObjectStore,
  page: SpooledPage,
  reading: CsvReading,
): Promise<void> {
  const out = createWriteStream(copy)
  out.write(formatRecord(summary.header.map((_cell, at) => String(at))))
  const drained = async () => void (await once(out, 'drain'))
  await readCsv(decompress(readSpooled(store, page), page.url), reading, {
    onGood: (record) => {
      const text = Buffer.from(record.buffer, record.byteOffset, record.byteLength).toString('utf8')
      return out.write(formatRecord(cellsOf(text, reading.delimiter))) ? undefined : drained()
    },
  })
  await finished(out.end())
}
