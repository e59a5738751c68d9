import type { FilesSourceConfig } from '../../contracts/sources/files.js'
import { WardbookError } from '../../kernel/errors.js'
import type { HttpAnswer, HttpClient } from '../http/client.js'
import { pageAnswer } from '../http/page-answer.js'
import { withoutSecrets } from '../http/redact.js'
import type { Offer, Publication, Source } from '../source.js'
import { changeTokenOf, instantOf } from './change-token.js'
import { nextFile, offerOf } from './file-offer.js'
import { resumedBody } from './resumed-body.js'

/** Statuses that a look at a file may be answered; what they mean is told by the read. */
const LOOKED_AT: readonly number[] = [
  ...Array.from({ length: 100 }, (_value, at) => 400 + at).filter(
    (status) => ![408, 425, 429].includes(status),
  ),
  ...[500, 501, 502, 503, 504],
]

/** A status with which a host says that it is still making the file, as ArcGIS Hub does; the body is no table then. */
const IN_THE_MAKING = 202
const judge = (status: number) => (status === IN_THE_MAKING ? 'retry' : undefined)

/** Headers of a file's answer that its record keeps. */
const KEPT_HEADERS: readonly string[] = ['content-type', 'content-length']

/**
 * Files over HTTP(S): one offer and one page each, in the order of the city file, then those of the years that `find` asks for.
 * @param thisYear for the last year where the city file names none
 */
export function httpSource(
  name: string,
  config: FilesSourceConfig,
  http: HttpClient,
  thisYear: () => number,
): Source {
  const realUrls = new Map<string, string>()
  const shown = (url: string) => {
    realUrls.set(withoutSecrets(url), url)
    return withoutSecrets(url)
  }
  for (const url of config.urls) shown(url)
  return {
    describe: async () => {
      const offers: Offer[] = []
      for (const url of config.urls) offers.push(offerAt(config, shown(url), await look(http, url)))
      const { found, missing } = await lookForYears(http, config, thisYear())
      offers.push(...found.map(({ url, headers }) => offerAt(config, shown(url), headers)))
      if (offers.length === 0) throw nothingFound(name, missing)
      return { offers, missing: missing.map(withoutSecrets) } satisfies Publication
    },
    nextPage: nextFile,
    fetch: async (request) => {
      const url = realUrls.get(request.url) ?? request.url
      const first = await http.send({ url, judge })
      const bytes = resumedBody(first, (headers) => http.send({ url, headers, judge, accept: [416] }))
      return { ...pageAnswer(first, KEPT_HEADERS), bytes }
    },
    failureOf: () => undefined,
  }
}

function offerAt(config: FilesSourceConfig, url: string, headers: Look): Offer {
  if (typeof headers === 'string')
    return offerOf(config, { name: url, changeToken: undefined, publishedAt: undefined })
  const publishedAt = instantOf(headers.get('last-modified'))
  return offerOf(config, { name: url, changeToken: changeTokenOf(headers), publishedAt })
}

/** What a look at a file tells: its headers, that it is not there, or nothing. */
type Look = Headers | 'absent' | 'unknown'

/** Many servers refuse HEAD, some answer it wrongly, and some make a file only for who wants it: then one byte is asked for. */
async function look(http: HttpClient, url: string): Promise<Look> {
  const head = await http.send({ url, method: 'HEAD', accept: LOOKED_AT })
  await head.discard()
  if (head.status < 300 && head.status !== IN_THE_MAKING) return head.headers
  const byte = await http.send({ url, headers: { range: 'bytes=0-0' }, judge, accept: LOOKED_AT })
  await byte.discard()
  return lookedAt(byte)
}

function lookedAt({ status, headers }: HttpAnswer): Look {
  if (status < 300 || status === 416) return headers // 416: there is not even one byte
  return status === 404 || status === 410 ? 'absent' : 'unknown'
}

interface FoundYears {
  readonly found: readonly { readonly url: string; readonly headers: Look }[]
  readonly missing: readonly string[]
}

/** Years that have to be there, then further ones until the first that is not. */
async function lookForYears(
  http: HttpClient,
  { find }: FilesSourceConfig,
  thisYear: number,
): Promise<FoundYears> {
  const found: { url: string; headers: Look }[] = []
  const missing: string[] = []
  if (find === undefined) return { found, missing }
  const through = find.through ?? thisYear
  for (let year = find.from; year <= Math.max(through, thisYear) + 1; year++) {
    const url = find.name.replaceAll('{year}', String(year))
    const headers = await look(http, url)
    const isThere = year > through ? isLikelyTable(headers) : headers !== 'absent'
    if (isThere) found.push({ url, headers })
    else if (year > through) break
    else missing.push(url)
  }
  return { found, missing }
}

/** Some servers answer every address with a page for people: a year that nobody asks for has to look like a table. */
function isLikelyTable(headers: Look): boolean {
  return typeof headers !== 'string' && !/html/i.test(headers.get('content-type') ?? '')
}

function nothingFound(source: string, missing: readonly string[]): WardbookError {
  const looked = missing.length === 0 ? 'it lists no urls' : `none of ${missing.join(', ')} is there`
  const message = `source ${source}: ${looked}; set urls or find in the city file`
  return new WardbookError('source-empty-list', 'fix-config', message, { source, missing })
}
