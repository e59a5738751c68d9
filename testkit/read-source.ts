import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WardbookError } from '../src/kernel/errors.js'
import { signalsOfFailure } from '../src/sources/decode/decode-json.js'
import { decodePage } from '../src/sources/decode/decode-page.js'
import type { DecodedPage, PageBody } from '../src/sources/decode/decoded-page.js'
import type {
  Offer,
  PageAnswer,
  PageRecord,
  PageRequest,
  PageSignals,
  Publication,
  Source,
} from '../src/sources/source.js'
import { readDecoded } from './page-body.js'

/** A row by column; null where the cell has no value. */
export type SourceRow = Readonly<Record<string, string | null>>

/** How far a read got. Plain JSON: a stopped read goes on from it, also with the source opened anew. */
export interface SourceRead {
  readonly publication: Publication
  /** Records by offer, in order. */
  readonly pages: readonly (readonly PageRecord[])[]
  readonly rows: readonly SourceRow[]
  /** Whether all offers were read to their ends. */
  readonly finished: boolean
}

/** How a read is driven. */
export interface ReadOptions {
  /** Pages after which the read stops, as if it were killed. */
  readonly stopAfterPages?: number
  /** A stopped read; `describe` is not asked again. */
  readonly goOnFrom?: SourceRead
  /** How pages are made readable; default: without Parquet, which needs an engine. */
  readonly decode?: typeof decodePage
  /** Tries of a page whose transfer breaks, default 3. */
  readonly tries?: number
}

/**
 * Reads a source as ingestion does: describe, then page by page nextPage → fetch → decodePage → record.
 * @throws what the source says of an answer that is none; errors to be tried again after `tries`
 */
export async function readWhole(source: Source, options: ReadOptions = {}): Promise<SourceRead> {
  const { stopAfterPages = Number.POSITIVE_INFINITY, goOnFrom, tries = 3, decode = decodePage } = options
  const publication = goOnFrom?.publication ?? (await source.describe())
  const pages = publication.offers.map((_offer, at) => [...(goOnFrom?.pages[at] ?? [])])
  const rows = [...(goOnFrom?.rows ?? [])]
  let read = 0
  for (const [at, offer] of publication.offers.entries()) {
    const done = pages[at] as PageRecord[]
    for (;;) {
      const request = source.nextPage(offer, done)
      if (request === undefined) break
      if (read === stopAfterPages) return asJson({ publication, pages, rows, finished: false })
      const page = await readPage(source, request, offer, tries, decode)
      done.push(asJson(page.record))
      rows.push(...page.rows)
      read += 1
    }
  }
  return asJson({ publication, pages, rows, finished: true })
}

/** What a stored and reloaded value is. */
function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

interface ReadPage {
  readonly record: PageRecord
  readonly rows: readonly SourceRow[]
}

async function readPage(
  source: Source,
  request: PageRequest,
  offer: Offer,
  tries: number,
  decode: typeof decodePage,
): Promise<ReadPage> {
  for (let tried = 1; ; tried++) {
    try {
      return await readPageOnce(source, request, offer, decode)
    } catch (thrown) {
      if (!(thrown instanceof WardbookError) || thrown.remedy !== 'retry' || tried === tries) throw thrown
    }
  }
}

async function readPageOnce(
  source: Source,
  request: PageRequest,
  offer: Offer,
  decode: typeof decodePage,
): Promise<ReadPage> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-source-'))
  try {
    const answer = await source.fetch(asJson(request))
    const file = join(folder, 'body')
    const { sha256, bytes } = await receive(answer, file)
    const body: PageBody = { name: offer.name, file, open: () => createReadStream(file) }
    const decoded = await decode(body, request.format, folder).catch((thrown) => {
      const signals = signalsOfFailure(thrown)
      throw (signals === undefined ? undefined : source.failureOf(request, signals)) ?? thrown
    })
    const { signals, rows } = await contentOf(decoded, offer)
    const failure = source.failureOf(request, signals)
    if (failure !== undefined) throw failure
    const { bytes: _body, ...told } = answer
    return { record: { request, ...told, sha256, bytes, readAt: new Date().toISOString(), signals }, rows }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function receive(answer: PageAnswer, file: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  const handle = await open(file, 'w')
  let bytes = 0
  try {
    for await (const chunk of answer.bytes) {
      hash.update(chunk)
      bytes += chunk.length
      await handle.writeFile(chunk)
    }
  } finally {
    await handle.close()
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** What a page holds; its rows without a key that is for paging alone. */
async function contentOf(
  decoded: DecodedPage,
  { key }: Offer,
): Promise<{ signals: PageSignals; rows: SourceRow[] }> {
  const table = await readDecoded(decoded)
  const sent = table.rows.map((cells) =>
    Object.fromEntries(decoded.columns.map((name, at) => [name, cells[at] ?? null])),
  )
  const rows = sent.map((row) => {
    if (!key?.hidden) return row
    return Object.fromEntries(Object.entries(row).filter(([name]) => name !== key.column))
  })
  return {
    signals: { ...decoded.signals, rows: rows.length, lastRow: decoded.signals.lastRow ?? sent.at(-1) },
    rows,
  }
}
