import { writeFile } from 'node:fs/promises'
import type { DecodedPage, PageBody } from '../src/sources/decode/decoded-page.js'
import { inChunks, joinChunks } from './chunks.js'
import { type PlainRecord, readPlainCsv } from './plain-csv.js'

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

/** A table as text: null where a cell has neither text nor quotes. */
export interface ReadTable {
  readonly columns: readonly (string | null)[]
  readonly rows: readonly PlainRecord[]
}

/** All rows of a decoded page, in memory. Throws on broken records. */
export async function readDecoded(page: DecodedPage): Promise<ReadTable> {
  const text = (await joinChunks(page.open())).toString('utf8').replace(/^\ufeff/, '')
  const [columns = [], ...rows] = readPlainCsv(text, page.delimiter)
  return { columns, rows }
}
