import { setTimeout as delay } from 'node:timers/promises'
import { WardbookError } from '../../kernel/errors.js'
import { directFetch, type Fetched, type Fetcher, type FetchInit } from './direct-fetch.js'
import { failureOfStatus, isUnknownHost, portalUnreachable, reasonOf } from './failures.js'
import { Hosts } from './hosts.js'
import { withoutSecrets } from './redact.js'
import { retryAfterMs } from './retry-after.js'

/** Says who we are, as every portal asks of its readers. */
export const USER_AGENT = 'wardbook/0.1 (open civic data reader)'

/** Effects of the client, as arguments. */
export interface HttpEffects {
  readonly fetch: Fetcher
  /** Milliseconds since 1970. */
  now(): number
  sleep(ms: number): Promise<void>
  /** From 0 to below 1. */
  random(): number
}

/** The real effects. @param fetcher the network, or what replaces it */
export function systemEffects(fetcher: Fetcher = directFetch): HttpEffects {
  return { fetch: fetcher, now: Date.now, sleep: (ms) => delay(ms), random: Math.random }
}

/** How long a request is tried. */
export interface Patience {
  /** Tries in all; a file that is still being made (202) is asked for up to 20 times, within `totalMs`. */
  readonly tries: number
  /** Longest wait after the first failed try, doubled after each; the real wait is a random share of it, at least half. */
  readonly firstWaitMs: number
  /** Longest single wait; a `Retry-After` beyond it ends the tries with 'portal-throttled'. */
  readonly maxWaitMs: number
  /** Longest time from the first try to the last, waits included; the body's transfer does not count. */
  readonly totalMs: number
  /** A connection on which nothing is heard for so long is given up. */
  readonly silenceMs: number
}

export const DEFAULT_PATIENCE: Patience = {
  tries: 6,
  firstWaitMs: 1_000,
  maxWaitMs: 120_000,
  totalMs: 600_000,
  silenceMs: 60_000,
}

/** A request. Secrets are apart, so that no record or error shows them, and another host never gets them by a redirect. */
export interface HttpRequest {
  readonly url: string
  readonly method?: 'GET' | 'HEAD' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly secretHeaders?: Readonly<Record<string, string>>
  readonly secretQuery?: Readonly<Record<string, string>>
  readonly body?: string
  /** Statuses besides 2xx that are an answer and no failure. */
  readonly accept?: readonly number[]
  /**
   * What a family knows better of a status: `retry` (e.g. 202 "still processing"), `final` (trying again is of no use).
   * @param start first 2 KiB of the body as text; empty for a 2xx, whose body is not looked into
   */
  judge?(status: number, start: string): 'retry' | 'final' | undefined
}

/** An answer with its body still to come. Read `bytes` to the end, or `discard()`: the host takes no other request until then. */
export interface HttpAnswer {
  readonly status: number
  /** Final address after redirects, without secrets. */
  readonly url: string
  readonly headers: Headers
  /** The body after transfer encodings; throws 'portal-broke-off' or 'portal-stalled' (retry) instead of ending early. */
  readonly bytes: AsyncIterable<Uint8Array>
  discard(): Promise<void>
}

/** Sends requests politely: one at a time to a host, again where that may help, with growing random waits. */
export interface HttpClient {
  /**
   * @throws WardbookError 'portal-unreachable', 'portal-stalled', 'portal-failed', 'portal-throttled' (retry), 'portal-refused'
   *   (fix-config), 'source-not-found', 'portal-rejected-request' (fix-source); facts hold url, status and the first 2 KiB of the body
   */
  send(request: HttpRequest): Promise<HttpAnswer>
}

const RETRIED_STATUSES: readonly number[] = [408, 425, 429, 500, 502, 503, 504]
const MAX_REDIRECTS = 5
/** A file that is being made is no failure: it is asked for until the time is over, at most so often. */
const LOOKS_IN_THE_MAKING = 20
const KEPT_BODY_BYTES = 2_048

/** @param requestsPerHost requests in flight to one host, default 1 */
export function httpClient(
  effects: HttpEffects,
  patience: Patience = DEFAULT_PATIENCE,
  requestsPerHost = 1,
): HttpClient {
  const hosts = new Hosts(requestsPerHost)
  return {
    async send(request) {
      const release = await hosts.enter(new URL(request.url).host)
      try {
        return await new Attempts(effects, patience, request).run(release)
      } catch (thrown) {
        release()
        throw thrown
      }
    },
  }
}

class Attempts {
  private readonly begunAt: number

  constructor(
    private readonly effects: HttpEffects,
    private readonly patience: Patience,
    private readonly request: HttpRequest,
  ) {
    this.begunAt = effects.now()
  }

  async run(release: () => void): Promise<HttpAnswer> {
    for (let tried = 1; ; tried++) {
      const outcome = await this.once(release).catch(asFailure)
      if (!(outcome instanceof Failure)) return outcome
      const waitMs = this.waitAfter(tried, outcome)
      if (waitMs === undefined) throw outcome.error
      await this.effects.sleep(waitMs)
    }
  }

  /** How long to wait before the next try; undefined when there is none. */
  private waitAfter(tried: number, { error, retried, retryAfter }: Failure): number | undefined {
    const { firstWaitMs, maxWaitMs, totalMs } = this.patience
    if (!retried || tried >= mostTries(this.patience, error)) return undefined
    const grown = Math.min(maxWaitMs, firstWaitMs * 2 ** (tried - 1))
    const own = grown / 2 + (grown / 2) * this.effects.random()
    const waitMs = Math.max(own, retryAfter ?? 0)
    const tooLong = waitMs > maxWaitMs || this.effects.now() + waitMs - this.begunAt > totalMs
    return tooLong ? undefined : waitMs
  }

  private async once(release: () => void): Promise<HttpAnswer> {
    const silence = new Silence(this.patience.silenceMs, withoutSecrets(this.request.url))
    try {
      const { response, url } = await this.follow(silence)
      const isAnswer = response.ok || (this.request.accept ?? []).includes(response.status)
      if (isAnswer && this.request.judge?.(response.status, '') !== 'retry') {
        return this.answer(response, url, silence, release)
      }
      throw await this.failure(response, url)
    } catch (thrown) {
      silence.end()
      throw thrown
    }
  }

  private async failure(response: Fetched, url: string): Promise<Failure> {
    const start = await startOf(response)
    const verdict = this.request.judge?.(response.status, start)
    const error = failureOfStatus(response.status, url, start, response.headers.get('retry-after'))
    const retried = verdict === 'retry' || (verdict !== 'final' && RETRIED_STATUSES.includes(response.status))
    return new Failure(error, retried, retryAfterMs(response.headers.get('retry-after'), this.effects.now()))
  }

  /** Redirects are followed here, as secrets must not reach another host. */
  private async follow(silence: Silence): Promise<{ response: Fetched; url: string }> {
    const { secretQuery, secretHeaders, headers, body } = this.request
    let url = withQuery(this.request.url, secretQuery)
    let method = this.request.method ?? (body === undefined ? 'GET' : 'POST')
    const origin = new URL(url).origin
    for (let redirects = 0; ; redirects++) {
      const own = new URL(url).origin === origin
      const response = await this.ask(silence, url, {
        method,
        headers: { 'user-agent': USER_AGENT, ...headers, ...(own ? secretHeaders : {}) },
        ...(body !== undefined && method === 'POST' ? { body } : {}),
      })
      const location = response.headers.get('location')
      if (response.status < 300 || response.status >= 400 || location === null)
        return { response, url: withoutSecrets(url) }
      await response.body?.cancel().catch(() => undefined)
      if (redirects === MAX_REDIRECTS)
        throw new Failure(portalUnreachable(withoutSecrets(url), 'too many redirects'), false)
      url = new URL(location, url).href
      if (response.status === 303 || (method === 'POST' && response.status < 307)) method = 'GET'
    }
  }

  private async ask(
    silence: Silence,
    url: string,
    init: Pick<FetchInit, 'method' | 'headers' | 'body'>,
  ): Promise<Fetched> {
    try {
      return await this.effects.fetch(url, { ...init, redirect: 'manual', signal: silence.signal })
    } catch (cause) {
      if (cause instanceof WardbookError) throw new Failure(cause, cause.remedy === 'retry')
      throw new Failure(portalUnreachable(withoutSecrets(url), reasonOf(cause), cause), true)
    }
  }

  private answer(response: Fetched, url: string, silence: Silence, release: () => void): HttpAnswer {
    const end = () => {
      silence.end()
      release()
    }
    const { status, headers } = response
    return {
      ...{ status, url, headers },
      bytes: bodyOf(response, url, silence, end),
      discard: async () => {
        end()
        await response.body?.cancel().catch(() => undefined)
      },
    }
  }
}

/** A failed try. */
class Failure {
  constructor(
    readonly error: WardbookError,
    readonly retried: boolean,
    readonly retryAfter?: number | undefined,
  ) {}
}

/** A host that is not there is asked for twice: the name service may have been mistaken. */
const TRIES_OF_UNKNOWN_HOST = 2

function mostTries({ tries }: Patience, error: WardbookError): number {
  const { code } = error
  if (isUnknownHost(error)) return Math.min(tries, TRIES_OF_UNKNOWN_HOST)
  return code === 'portal-not-ready' ? Math.max(tries, LOOKS_IN_THE_MAKING) : tries
}

function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown
  throw thrown
}

/** Gives a connection up when nothing was heard for a while; each sign of life starts the time anew. */
class Silence {
  private readonly controller = new AbortController()
  private readonly timer: NodeJS.Timeout

  constructor(ms: number, url: string) {
    const giveUp = () =>
      this.controller.abort(
        new WardbookError('portal-stalled', 'retry', `${url} was silent for ${ms / 1_000} s`, { url }),
      )
    this.timer = setTimeout(giveUp, ms)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  renew(): void {
    this.timer.refresh()
  }

  end(): void {
    clearTimeout(this.timer)
  }
}

async function* bodyOf(
  response: Fetched,
  url: string,
  silence: Silence,
  end: () => void,
): AsyncIterable<Uint8Array> {
  let received = 0
  try {
    for await (const chunk of response.body ?? []) {
      silence.renew()
      received += chunk.length
      yield chunk
    }
  } catch (cause) {
    if (cause instanceof WardbookError) throw cause
    const message = `the transfer of ${url} broke after ${received} bytes: ${reasonOf(cause)}`
    throw new WardbookError('portal-broke-off', 'retry', message, { url, received }, { cause })
  } finally {
    end()
  }
  demandLength(response.headers, url, received)
}

/** A body shorter than announced is no body; a compressed transfer announces another length than we see. */
function demandLength(headers: Headers, url: string, received: number): void {
  const announced = Number(headers.get('content-length') ?? Number.NaN)
  if (headers.has('content-encoding') || Number.isNaN(announced) || announced === received) return
  const message = `${url} announced ${announced} bytes and sent ${received}`
  throw new WardbookError('portal-broke-off', 'retry', message, { url, announced, received })
}

async function startOf(response: Fetched): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= KEPT_BODY_BYTES) break // ends the transfer
    }
  } catch {
    // the status is the failure; what was heard of the body is kept
  }
  return Buffer.concat(chunks).subarray(0, KEPT_BODY_BYTES).toString('utf8')
}

function withQuery(url: string, query: Readonly<Record<string, string>> | undefined): string {
  if (query === undefined) return url
  const full = new URL(url)
  for (const [name, value] of Object.entries(query)) full.searchParams.set(name, value)
  return full.href
}
