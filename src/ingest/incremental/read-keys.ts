import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cellsOf } from '../../sources/files/csv-records.js'
import { readCsv } from '../../sources/files/read-csv.js'
import type { Offer, PageRecord } from '../../sources/source.js'
import { FileAppender } from '../file-appender.js'
import { receivePage } from '../receive-page.js'
import type { IngestContext, SourceWork } from '../source-work.js'

/** The keys of all rows of an offer, in a local file. */
export interface KeysRead {
  /** CSV with the header `key`, a quoted key a line. */
  readonly file: string
  readonly pages: readonly PageRecord[]
  readonly rows: number
}

/**
 * Asks for one column of every row. Its pages are not spooled: a run that is killed asks again.
 * @param keys the offer with nothing but that column
 * @param folder local folder of this read alone
 * @returns undefined when a row cannot be read
 */
export async function readKeys(
  context: IngestContext,
  { source }: SourceWork,
  keys: Offer,
  column: string,
  folder: string,
): Promise<KeysRead | undefined> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'keys.csv')
  const out = await FileAppender.open(file)
  const pages: PageRecord[] = []
  try {
    await out.append(Buffer.from('"key"\n'))
    for (;;) {
      const request = source.nextPage(keys, pages)
      if (request === undefined) break
      const receiving = join(folder, 'page')
      await mkdir(receiving, { recursive: true })
      const wanted = { source, drops: [], folder: receiving, clock: context.clock }
      const page = await receivePage(wanted, request, false) // whole: nothing is left behind that still arrives
      const rows = await keepKeys(page.decoded, column, out)
      if (rows === undefined) return undefined
      pages.push(await page.record(rows))
      await rm(receiving, { recursive: true, force: true })
    }
    await out.finish()
    return { file, pages, rows: pages.reduce((sum, { signals }) => sum + signals.rows, 0) }
  } finally {
    await out.close()
  }
}

/** Keys that are held before they are written. */
const HELD_CHARACTERS = 256 * 1024

/** @returns rows of the page; undefined when one cannot be read */
async function keepKeys(
  decoded: Awaited<ReturnType<typeof receivePage>>['decoded'],
  column: string,
  out: FileAppender,
): Promise<number | undefined> {
  if (decoded.signals.rows === 0) return 0 // it may have told no column
  const { delimiter } = decoded
  let [rows, isBad, held] = [0, false, '']
  const listener = {
    onBad: () => {
      isBad = true
    },
    onGood: (buffer: Buffer, _start: number, _end: number, _isRegular: boolean, ranges: Int32Array) => {
      const cell = buffer.toString('utf8', ranges[0], ranges[1])
      const [text = ''] = cell.startsWith('"') ? cellsOf(cell, '\0') : [cell]
      held += `"${text.replaceAll('"', '""')}"\n`
      rows += 1
    },
  }
  async function* written(): AsyncIterable<Uint8Array> {
    for await (const chunk of decoded.open()) {
      yield chunk
      if (held.length < HELD_CHARACTERS) continue
      await out.append(Buffer.from(held))
      held = ''
    }
  }
  await readCsv(written(), { delimiter, wanted: [column], isDivision: false, file: 'keys' }, listener)
  await out.append(Buffer.from(held))
  return isBad ? undefined : rows
}
