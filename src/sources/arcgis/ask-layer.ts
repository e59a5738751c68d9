import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import { listOf, memberOf, wholeNumber } from '../exact-json.js'
import { askJson } from '../http/ask-json.js'
import type { HttpClient } from '../http/client.js'
import { errorObjectOf, failureOfObject, mayPass } from './failure.js'
import { type QueryParameters, queryOf, type SentQuery } from './query.js'

/** Asks a server for its records about itself. */
export class Asker {
  constructor(
    private readonly http: HttpClient,
    private readonly secrets: Readonly<Record<string, string>>,
  ) {}

  /** @throws WardbookError what the error object says; the errors of `askJson` */
  async record(url: string): Promise<Json> {
    return this.send({ url: `${url}?f=json` })
  }

  /** Any record that is asked for under its whole address, e.g. of a Hub's search. */
  async json(url: string): Promise<Json> {
    return this.send({ url })
  }

  /**
   * A query for something about the rows. An error that may mean anything is asked about once more: a layer that is described twice
   * must be described alike.
   * @returns undefined when the server says that it cannot: 400 or 500, as status or in an error object, as old ones answer what they do not know
   */
  async maybe(layer: string, parameters: QueryParameters): Promise<Json | undefined> {
    const query = queryOf(layer, parameters)
    const first = await this.answerTo(query)
    const error = errorObjectOf(first)
    const json = error !== undefined && mayPass(error) ? await this.answerTo(query) : first
    const left = errorObjectOf(json)
    if (left === undefined) return json
    if (left.code === 400 || left.code === 500) return undefined
    throw failureOfObject(layer, left)
  }

  /** The answer, or undefined where its status says that the server cannot. */
  private async answerTo(query: SentQuery): Promise<Json | undefined> {
    try {
      return (await askJson(this.http, this.requestOf(query))).json
    } catch (thrown) {
      const status = thrown instanceof WardbookError ? thrown.facts.status : undefined
      if (status === 400 || status === 500) return undefined
      throw thrown
    }
  }

  private async send(query: SentQuery): Promise<Json> {
    const { json } = await askJson(this.http, this.requestOf(query))
    const error = errorObjectOf(json)
    if (error !== undefined) throw failureOfObject(query.url, error)
    return json
  }

  private requestOf({ url, post }: SentQuery) {
    const posted =
      post === undefined ? {} : { body: post.text, headers: { 'content-type': post.contentType } }
    return { url, secretQuery: this.secrets, ...posted }
  }
}

/**
 * Rows by the server's own count.
 * @returns undefined when it has none to give; some servers ignore the question and send rows [R: Cook County]
 */
export async function countRows(asker: Asker, layer: string, where: string): Promise<number | undefined> {
  return countIn(await asker.maybe(layer, { where, returnCountOnly: 'true' }))
}

/** The count in an answer that really is one. */
export function countIn(json: Json | undefined): number | undefined {
  const count = wholeNumber(memberOf(json, 'count'))
  return count === undefined || count < 0n || memberOf(json, 'features') !== undefined
    ? undefined
    : Number(count)
}

/** The object ids in an answer, ascending, each once; undefined when it is no list of ids. */
export function idsIn(json: Json | undefined): readonly bigint[] | undefined {
  if (!Array.isArray(memberOf(json, 'objectIds'))) return undefined
  const ids = listOf(json, 'objectIds').map(wholeNumber)
  if (ids.some((id) => id === undefined)) return undefined
  return [...new Set(ids as bigint[])].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/** Lowest and highest object id. */
export interface Span {
  readonly min: bigint
  readonly max: bigint
}

/**
 * The two numbers of a statistics answer. They are taken by their size: old servers name them in SQL [R: Tuolumne], others change their case.
 * @returns undefined when the answer is something else
 */
export function spanIn(json: Json | undefined): Span | undefined {
  const features = listOf(json, 'features')
  const attributes = memberOf(features[0], 'attributes')
  if (features.length !== 1 || attributes === null || typeof attributes !== 'object') return undefined
  const numbers = Object.values(attributes).map((value) => wholeNumber(value as Json))
  const [a, b] = numbers
  if (numbers.length !== 2 || a === undefined || b === undefined) return undefined
  return a <= b ? { min: a, max: b } : { min: b, max: a }
}

/** Object ids of the rows in an answer. */
export function oidsOfRows(json: Json | undefined, oid: string): readonly (bigint | undefined)[] {
  return listOf(json, 'features').map((feature) => {
    const attributes = memberOf(feature, 'attributes')
    if (attributes === null || typeof attributes !== 'object') return undefined
    const found = Object.entries(attributes).find(([name]) => name.toLowerCase() === oid.toLowerCase())
    return wholeNumber(found?.[1] as Json | undefined)
  })
}
