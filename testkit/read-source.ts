import { sha256Hex } from '../src/kernel/ids.js'
import { signalsOfFailure } from '../src/sources/decode/decode-json.js'
import { decodePage } from '../src/sources/decode/decode-page.js'
import type { Offer, PageRecord, PageRequest, PageSignals, Source } from '../src/sources/source.js'
import { joinChunks } from './chunks.js'
import { bodyOf, readDecoded } from './page-body.js'

/** A row by column name. */
export type ReadRow = Readonly<Record<string, string | null>>

/** A page as a test reads it: in memory. */
export interface ReadPage {
  readonly record: PageRecord
  readonly rows: readonly ReadRow[]
}

/** Fetches and decodes one page. Throws what the source says of it. */
export async function readPage(source: Source, request: PageRequest): Promise<ReadPage> {
  const answer = await source.fetch(request)
  const { bytes, ...told } = answer
  const body = await joinChunks(bytes)
  const { rows, signals } = await decoded(source, request, body)
  const failure = source.failureOf(request, signals)
  if (failure !== undefined) throw failure
  const record: PageRecord = {
    ...told,
    request,
    sha256: sha256Hex(body),
    bytes: body.length,
    readAt: '2026-01-01T00:00:00.000Z',
    signals,
  }
  return { record: JSON.parse(JSON.stringify(record)) as PageRecord, rows }
}

async function decoded(
  source: Source,
  request: PageRequest,
  body: Uint8Array,
): Promise<{ rows: ReadRow[]; signals: PageSignals }> {
  try {
    const page = await decodePage(bodyOf(body, [], request.url), request.format, '')
    const table = await readDecoded(page)
    const rows = table.rows.map((row) =>
      Object.fromEntries(table.columns.map((name, at) => [name, row[at] ?? null])),
    )
    return { rows, signals: { ...page.signals, rows: page.signals.rows ?? rows.length } }
  } catch (thrown) {
    const signals = signalsOfFailure(thrown)
    throw (signals === undefined ? undefined : source.failureOf(request, signals)) ?? thrown
  }
}

/**
 * Reads an offer to its end, going on behind pages that are there already.
 * @param stopAfter reads at most so many further pages
 */
export async function readOffer(
  source: Source,
  offer: Offer,
  done: readonly ReadPage[] = [],
  stopAfter = Number.POSITIVE_INFINITY,
): Promise<readonly ReadPage[]> {
  const pages = [...done]
  const stored = JSON.parse(JSON.stringify(offer)) as Offer
  while (pages.length - done.length < stopAfter) {
    const request = source.nextPage(
      stored,
      pages.map(({ record }) => record),
    )
    if (request === undefined) break
    pages.push(await readPage(source, JSON.parse(JSON.stringify(request)) as PageRequest))
  }
  return pages
}

/** All rows of all offers. */
export async function readAll(source: Source): Promise<readonly ReadRow[]> {
  const { offers } = await source.describe()
  const rows: ReadRow[] = []
  for (const offer of offers) rows.push(...(await readOffer(source, offer)).flatMap((page) => page.rows))
  return rows
}
