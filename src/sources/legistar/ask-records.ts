import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import { memberOf, parseExactJson, wholeNumber } from '../exact-json.js'
import { bodyText } from '../http/ask-json.js'
import type { HttpAnswer, HttpClient, HttpRequest } from '../http/client.js'
import { unusable } from '../http/read-json.js'
import { rawElements } from './raw-records.js'

/** Most records an answer of the API has; a list below a record that is as long goes on. */
export const MAX_RECORDS = 1_000
/** A list of records below another one, with their notes and attachments. */
const MAX_LIST_BYTES = 64 * 1024 * 1024
const KEPT_CHARACTERS = 2_048

/** The portal's database cannot make this list, and will not be able to later [S: python-legistar-scraper]. */
const PERMANENT = /cast to value type/i
/** What the portal says of a client that it does not have. */
const NO_CLIENT = /LegistarConnectionString/i

/** A record of a list with the text that was sent. */
export interface RawRecord {
  readonly id: string
  readonly text: string
  readonly json: Json
}

/** Asks the API for lists of records. */
export class LegistarApi {
  constructor(
    readonly base: string,
    private readonly http: HttpClient,
    private readonly secretQuery: Readonly<Record<string, string>>,
  ) {}

  /** @throws WardbookError 'source-not-found' for a client without API; the errors of `HttpClient.send` */
  async send(url: string): Promise<HttpAnswer> {
    const request: HttpRequest = {
      url,
      secretQuery: this.secretQuery,
      headers: { accept: 'application/json' },
      judge: (status, start) =>
        status === 500 && (PERMANENT.test(start) || NO_CLIENT.test(start)) ? 'final' : undefined,
    }
    return this.http.send(request).catch((thrown) => {
      throw noClient(thrown, url) ?? thrown
    })
  }

  /** The records of one answer. @throws WardbookError 'portal-answer-unusable' when they are no records with ids */
  async records(
    url: string,
    idColumn: string,
  ): Promise<{ answer: HttpAnswer; records: readonly RawRecord[] }> {
    const answer = await this.send(url)
    const text = await bodyText(answer, MAX_LIST_BYTES)
    return { answer, records: parsed(text, url).map((element) => recordOf(element, idColumn, url)) }
  }

  /**
   * Looks whether a list is ordered as it is asked for: its last record has to lie above its first two.
   * @throws WardbookError 'portal-answer-unusable' (fix-source) when it is not
   */
  async demandOrder(path: string, idColumn: string): Promise<void> {
    const ask = (top: number, order: string) =>
      this.records(
        `${this.base}/${path}?${new URLSearchParams({ $top: String(top), $orderby: order })}`,
        idColumn,
      )
    const { records: first } = await ask(2, idColumn)
    if (first.length < 2) return
    const { answer, records: last } = await ask(1, `${idColumn} desc`)
    demandRise(
      [...first.slice(0, 2), ...last.slice(0, 1).filter(({ id }) => id !== first[1]?.id)],
      idColumn,
      answer.url,
    )
  }

  /**
   * When the record was changed that a list has changed last, ISO 8601 UTC: by the portal's clock, where it dates its answers, no later than now.
   * @param column with times of UTC, written without a zone
   * @returns undefined for an empty list, and where the column is not there or holds no time
   */
  async newest(path: string, idColumn: string, column: string): Promise<string | undefined> {
    const query = new URLSearchParams({ $top: '1', $orderby: `${column} desc` })
    const asked = await this.records(`${this.base}/${path}?${query}`, idColumn).catch((thrown) => {
      if (thrown instanceof WardbookError && thrown.code === 'portal-rejected-request') return undefined
      throw thrown
    })
    const said = asked?.records[0] && memberOf(asked.records[0].json, column)
    const changedMs = typeof said === 'string' ? Date.parse(`${said}Z`) : Number.NaN
    if (asked === undefined || Number.isNaN(changedMs)) return undefined
    const nowMs = Date.parse(asked.answer.headers.get('date') ?? '')
    return new Date(Number.isNaN(nowMs) ? changedMs : Math.min(changedMs, nowMs)).toISOString()
  }

  /** All records of a list below another record, by id: one answer, or pages in the order of ids where one answer would be cut off. */
  async all(path: string, idColumn: string): Promise<readonly RawRecord[]> {
    const { records } = await this.records(`${this.base}/${path}`, idColumn)
    if (records.length < MAX_RECORDS)
      return records.toSorted((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1))
    const all: RawRecord[] = []
    for (let last: string | undefined; ; last = all.at(-1)?.id) {
      const asked = {
        $top: String(MAX_RECORDS),
        $orderby: idColumn,
        ...(last === undefined ? {} : { $filter: `${idColumn} gt ${last}` }),
      }
      const mark = path.includes('?') ? '&' : '?'
      const page = await this.records(`${this.base}/${path}${mark}${new URLSearchParams(asked)}`, idColumn)
      const end = page.records.at(-1)?.id
      if (end === undefined) return all
      if (last !== undefined && BigInt(end) <= BigInt(last))
        throw unusable(`${this.base}/${path}`, `does not go up from ${idColumn} ${last}`, {
          remedy: 'fix-source',
        })
      all.push(...page.records)
    }
  }
}

/** @throws WardbookError 'portal-answer-unusable' (fix-source) when records do not come in the order of their ids */
export function demandRise(records: readonly RawRecord[], idColumn: string, url: string): void {
  const at = records.findIndex(
    ({ id }, place) => place > 0 && BigInt(id) <= BigInt(records[place - 1]?.id ?? 0),
  )
  if (at < 0) return
  const what = `is not in the order of ${idColumn} that was asked for: ${records[at]?.id} comes behind ${records[at - 1]?.id}`
  throw unusable(url, what, { remedy: 'fix-source' })
}

/** Why a list can never be read: the record is gone, or the portal's database fails on it. Undefined for any other failure. */
export function permanentReason(thrown: unknown): 'gone' | 'broken at the portal' | undefined {
  if (!(thrown instanceof WardbookError)) return undefined
  if (thrown.code === 'source-not-found') return 'gone'
  return thrown.facts.status === 500 && PERMANENT.test(String(thrown.facts.start))
    ? 'broken at the portal'
    : undefined
}

function noClient(thrown: unknown, url: string): WardbookError | undefined {
  if (!(thrown instanceof WardbookError) || !NO_CLIENT.test(String(thrown.facts.start))) return undefined
  const message = `${url}: the Legistar API has no such client; is the name right, and does the council offer its API?`
  return new WardbookError('source-not-found', 'fix-source', message, thrown.facts, { cause: thrown })
}

function parsed(text: string, url: string): readonly string[] {
  try {
    return rawElements(text.trim())
  } catch (cause) {
    throw unusable(url, 'is no list of records', {
      remedy: 'retry',
      start: text.slice(0, KEPT_CHARACTERS),
      cause,
    })
  }
}

function recordOf(text: string, idColumn: string, url: string): RawRecord {
  const json = parseExactJson(text)
  const id = wholeNumber(memberOf(json, idColumn))
  if (id === undefined)
    throw unusable(url, `has a record without ${idColumn}`, {
      remedy: 'fix-source',
      start: text.slice(0, KEPT_CHARACTERS),
    })
  return { id: String(id), text, json }
}
