import { setTimeout as sleep } from 'node:timers/promises'
import { WardbookError } from '../../kernel/errors.js'
import type { PageOffer, Source } from '../source.js'

const USER_AGENT = 'wardbook/0.1 (open civic data reader)'
const TRIES = 4
const FIRST_WAIT_MS = 500 // doubled after each failed try
const SILENCE_TIMEOUT_MS = 60_000

/** Files over HTTP(S), one page each, in the order of the city file; one request at a time. */
export function httpSource(urls: readonly string[], fetcher: typeof fetch): Source {
  return {
    describe: async () => {
      const offers: PageOffer[] = []
      for (const [page, url] of urls.entries()) offers.push(await describeUrl(url, page, fetcher))
      return offers
    },
    read: async (offer) => {
      const { answer, patience } = await ask(offer.url, 'GET', fetcher)
      return { offer, bytes: bodyOf(answer, offer.url, patience) }
    },
  }
}

/** A HEAD request gives change token and date; a server without HEAD still gets read, each time. */
async function describeUrl(url: string, page: number, fetcher: typeof fetch): Promise<PageOffer> {
  const { answer, patience } = await ask(url, 'HEAD', fetcher)
  patience.stop()
  if (!answer.ok) return { page, url, changeToken: undefined, publishedAt: undefined }
  const etag = answer.headers.get('etag')
  const lastModified = answer.headers.get('last-modified')
  const length = answer.headers.get('content-length')
  const token = [etag, lastModified, length].filter((part) => part !== null).join(' ')
  return {
    page,
    url,
    changeToken: etag || lastModified ? token : undefined,
    publishedAt: instantOf(lastModified),
  }
}

/** An answer, after a few tries where trying again may help. What a HEAD is answered is never a failure: the GET will tell. */
async function ask(
  url: string,
  method: 'GET' | 'HEAD',
  fetcher: typeof fetch,
): Promise<{ answer: Response; patience: Patience }> {
  for (let tried = 1; ; tried++) {
    const patience = startPatience(url)
    const answer = await request(url, method, fetcher, patience).catch((thrown: WardbookError) => thrown)
    const failure =
      answer instanceof WardbookError ? answer : method === 'GET' ? failureOf(answer, url) : undefined
    if (failure === undefined) return { answer: answer as Response, patience }
    patience.stop()
    if (answer instanceof Response) await answer.body?.cancel().catch(() => undefined) // frees the connection
    if (failure.remedy !== 'retry' || tried === TRIES) throw failure
    await sleep(FIRST_WAIT_MS * 2 ** (tried - 1))
  }
}

/** Ends a request when nothing was heard for {@link SILENCE_TIMEOUT_MS}; each sign of life starts the time anew. */
interface Patience {
  readonly signal: AbortSignal
  renew(): void
  stop(): void
}

function startPatience(url: string): Patience {
  const controller = new AbortController()
  const giveUp = () =>
    controller.abort(
      new WardbookError('portal-stalled', 'retry', `${url} was silent for ${SILENCE_TIMEOUT_MS / 1000} s`, {
        url,
      }),
    )
  const timer = setTimeout(giveUp, SILENCE_TIMEOUT_MS)
  return { signal: controller.signal, renew: () => timer.refresh(), stop: () => clearTimeout(timer) }
}

async function request(
  url: string,
  method: 'GET' | 'HEAD',
  fetcher: typeof fetch,
  patience: Patience,
): Promise<Response> {
  try {
    return await fetcher(url, { method, headers: { 'user-agent': USER_AGENT }, signal: patience.signal })
  } catch (cause) {
    if (cause instanceof WardbookError) throw cause
    throw new WardbookError(
      'portal-unreachable',
      'retry',
      `${url} cannot be reached: ${reasonOf(cause)}`,
      { url },
      { cause },
    )
  }
}

function failureOf(answer: Response, url: string): WardbookError | undefined {
  if (answer.ok) return undefined
  const facts = { url, status: answer.status }
  if (answer.status >= 500 || answer.status === 429) {
    return new WardbookError(
      'portal-failed',
      'retry',
      `${url} answered ${answer.status}; try again later`,
      facts,
    )
  }
  return new WardbookError(
    'source-not-found',
    'fix-source',
    `${url} answered ${answer.status}: has the file moved?`,
    facts,
  )
}

async function* bodyOf(answer: Response, url: string, patience: Patience): AsyncIterable<Uint8Array> {
  let received = 0
  try {
    for await (const chunk of answer.body ?? []) {
      patience.renew()
      received += chunk.length
      yield chunk
    }
  } catch (cause) {
    if (cause instanceof WardbookError) throw cause
    const message = `the transfer of ${url} broke after ${received} bytes: ${reasonOf(cause)}`
    throw new WardbookError('portal-broke-off', 'retry', message, { url, received }, { cause })
  } finally {
    patience.stop()
  }
  demandLength(answer, url, received)
}

/** A body shorter than announced is no body; a compressed transfer announces another length than we see. */
function demandLength(answer: Response, url: string, received: number): void {
  const announced = Number(answer.headers.get('content-length') ?? Number.NaN)
  if (answer.headers.has('content-encoding') || Number.isNaN(announced) || announced === received) return
  throw new WardbookError(
    'portal-broke-off',
    'retry',
    `${url} announced ${announced} bytes and sent ${received}`,
    {
      url,
      announced,
      received,
    },
  )
}

function instantOf(httpDate: string | null): string | undefined {
  const at = httpDate === null ? Number.NaN : Date.parse(httpDate)
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message
}
