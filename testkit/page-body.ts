import { writeFile } from 'node:fs/promises'
import type { DecodedPage, PageBody } from '../src/sources/decode/decoded-page.js'
import { cellsOf, findRecord } from '../src/sources/files/csv-records.js'
import { inChunks, joinChunks } from './chunks.js'

/** A body of bytes in memory, in pieces of any size; formats that need to jump get no file. */
export function bodyOf(content: string | Uint8Array, sizes: readonly number[] = [], name = 'page'): PageBody {
  const bytes = Buffer.from(content as string)
  return { name, file: '', open: () => inChunks(bytes, sizes) }
}

/** The same with the file that zip, xlsx and Parquet are read from. */
export async function bodyInFile(file: string, content: Uint8Array, name = 'page'): Promise<PageBody> {
  await writeFile(file, content)
  return { name, file, open: () => inChunks(content, [70_000]) }
}

/** A table as text: null where a strict cell has no value. */
export interface ReadTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** All rows of a decoded page, in memory. Throws on a record that is broken: use `readCsv` for pages that may have some. */
export async function readDecoded(page: DecodedPage): Promise<ReadTable> {
  const bytes = await joinChunks(page.open())
  const delimiter = page.delimiter.charCodeAt(0)
  const rows: (string | null)[][] = []
  for (let at = 0; at < bytes.length; ) {
    const found = findRecord(bytes, at, { delimiter, columns: undefined, partitionColumn: undefined }, true)
    if (found === undefined || found.fault !== undefined) throw new Error(`broken record at byte ${at}`)
    const text = bytes.toString('utf8', found.start, found.end)
    if (text !== '' || page.form === 'strict')
      rows.push(page.form === 'strict' ? strictCells(text) : cellsOf(text, page.delimiter))
    at = found.next
  }
  const [columns = [], ...rest] = rows
  return { columns: columns as string[], rows: rest }
}

/** Cells of a strict record: what stands without quotes has no value. */
function strictCells(text: string): (string | null)[] {
  const values = cellsOf(text, ',')
  let at = 0
  return values.map((value) => {
    const quoted = text[at] === '"'
    at += quoted ? value.replaceAll('"', '""').length + 3 : 1
    return quoted ? value : null
  })
}
