import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WardbookError } from '../../kernel/errors.js'
import { DEFAULT_PATIENCE, type HttpEffects, type HttpRequest, httpClient } from './client.js'
import { withoutSecrets } from './redact.js'
import { retryAfterMs } from './retry-after.js'

type Handler = (request: IncomingMessage, response: ServerResponse, tried: number) => void

let server: Server
let base: string
let handler: Handler
let asked: IncomingMessage[]
let waits: number[]

beforeEach(async () => {
  asked = []
  waits = []
  server = createServer((request, response) => {
    asked.push(request)
    handler(request, response, asked.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** Waits are noted and pass at once. */
const effects: HttpEffects = {
  fetch: (...given) => fetch(...given),
  now: () => waits.reduce((sum, ms) => sum + ms, 0),
  sleep: async (ms) => void waits.push(ms),
  random: () => 0,
}

async function textOf(request: Omit<HttpRequest, 'url'> & { path: string }, patience = DEFAULT_PATIENCE) {
  const { path, ...rest } = request
  const answer = await httpClient(effects, patience).send({ url: `${base}${path}`, ...rest })
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.bytes) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function failureOf(request: Omit<HttpRequest, 'url'> & { path: string }, patience = DEFAULT_PATIENCE) {
  return textOf(request, patience).then(
    (text) => expect.fail(`answered: ${text}`),
    (thrown) => thrown as WardbookError,
  )
}

describe('a request', () => {
  it('says who we are and gives the body', async () => {
    handler = (_request, response) => response.end('rows')
    expect(await textOf({ path: '/a' })).toBe('rows')
    expect(asked[0]?.headers['user-agent']).toMatch(/^wardbook/)
  })

  it.each([408, 425, 429, 500, 502, 503, 504])(
    'is sent again after %d, with growing waits',
    async (status) => {
      handler = (_request, response, tried) =>
        tried < 4 ? response.writeHead(status).end('busy') : response.end('rows')
      expect(await textOf({ path: '/a' })).toBe('rows')
      expect(waits).toEqual([500, 1_000, 2_000])
    },
  )

  it.each([
    [429, 'portal-throttled', 'retry', 6],
    [503, 'portal-failed', 'retry', 6],
    [401, 'portal-refused', 'fix-config', 1],
    [403, 'portal-refused', 'fix-config', 1],
    [404, 'source-not-found', 'fix-source', 1],
    [410, 'source-not-found', 'fix-source', 1],
    [400, 'portal-rejected-request', 'fix-source', 1],
    [501, 'portal-failed', 'retry', 1],
  ])(
    'that is answered %d ends as %s (%s) after %d tries, with the body kept',
    async (status, code, remedy, tries) => {
      handler = (_request, response) => response.writeHead(status as number).end('<html>'.padEnd(5_000, 'x'))
      const error = await failureOf({ path: '/a' })
      expect([error.code, error.remedy, asked.length]).toEqual([code, remedy, tries])
      expect(String(error.facts.start)).toHaveLength(2_048)
    },
  )

  it('waits as long as Retry-After says, and gives up when that is too long', async () => {
    handler = (_request, response, tried) =>
      tried === 1 ? response.writeHead(503, { 'retry-after': '7' }).end() : response.end('rows')
    expect(await textOf({ path: '/a' })).toBe('rows')
    expect(waits).toEqual([7_000])
    asked = []
    handler = (_request, response) => response.writeHead(429, { 'retry-after': '86400' }).end()
    const error = await failureOf({ path: '/a' })
    expect([error.code, error.facts.retryAfter, asked.length]).toEqual(['portal-throttled', '86400', 1])
  })

  it('is sent twice to a host that is not there, and to one that cannot be asked for just now until patience ends', async () => {
    const triesOf = async (code: string) => {
      let tries = 0
      const lookup = async () => {
        tries += 1
        throw new TypeError('fetch failed', {
          cause: Object.assign(new Error(`getaddrinfo ${code}`), { code }),
        })
      }
      const sent = httpClient({ ...effects, fetch: lookup }).send({ url: 'http://data.example.invalid/a' })
      const error = await sent.catch((thrown: unknown) => thrown as WardbookError)
      return { tries, error }
    }
    const unknown = await triesOf('ENOTFOUND')
    expect(unknown.tries).toBe(2)
    expect(unknown.error).toMatchObject({ code: 'portal-unreachable', remedy: 'retry' })
    expect((unknown.error as WardbookError).message).toMatch(/getaddrinfo ENOTFOUND; is the name right\?$/)
    expect((await triesOf('EAI_AGAIN')).tries).toBe(DEFAULT_PATIENCE.tries)
  })

  it('never takes longer than the patience in all', async () => {
    handler = (_request, response) => response.writeHead(503).end()
    await failureOf({ path: '/a' }, { ...DEFAULT_PATIENCE, tries: 1_000, totalMs: 10_000 })
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(10_000)
  })

  it('is sent again when the family says so, and not when it says final', async () => {
    handler = (_request, response, tried) => response.writeHead(tried === 1 ? 202 : 200).end('made')
    const judge = (status: number) => (status === 202 ? ('retry' as const) : undefined)
    expect(await textOf({ path: '/a', judge })).toBe('made')
    handler = (_request, response) => response.writeHead(500).end('cast to value type failed')
    asked = []
    await failureOf({ path: '/a', judge: (_status, start) => (/cast/.test(start) ? 'final' : undefined) })
    expect(asked).toHaveLength(1)
  })

  it('ends with an error, never early, when the transfer breaks or is shorter than announced', async () => {
    handler = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('only a part')
      setTimeout(() => response.destroy(), 20)
    }
    expect((await failureOf({ path: '/a' })).code).toBe('portal-broke-off')
  })

  it('ends after silence, also in the middle of a body', async () => {
    handler = (_request, response) => void response.writeHead(200).write('first')
    expect((await failureOf({ path: '/a' }, { ...DEFAULT_PATIENCE, silenceMs: 50 })).code).toBe(
      'portal-stalled',
    )
    handler = () => undefined
    const error = await failureOf({ path: '/a' }, { ...DEFAULT_PATIENCE, silenceMs: 50, tries: 2 })
    expect([error.code, error.remedy]).toEqual(['portal-stalled', 'retry'])
  })

  it('follows redirects, and never brings a secret to another host', async () => {
    const other = createServer((request, response) => response.end(JSON.stringify(request.headers)))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const otherUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}/b`
    handler = (request, response) =>
      request.url?.startsWith('/a')
        ? response.writeHead(302, { location: request.url.endsWith('own') ? '/own' : otherUrl }).end()
        : response.end(JSON.stringify(request.headers))
    const secretHeaders = { 'x-app-token': 'hidden' }
    expect(await textOf({ path: '/a', secretHeaders })).not.toContain('hidden')
    expect(await textOf({ path: '/a-own', secretHeaders })).toContain('hidden')
    other.close()
  })

  it('shows no secret in its error', async () => {
    handler = (_request, response) => response.writeHead(404).end()
    const error = await failureOf({ path: '/a?$$app_token=hidden&x=1', secretQuery: { token: 'hidden' } })
    expect(JSON.stringify([error.message, error.facts])).not.toContain('hidden')
  })
})

describe('requests to one host', () => {
  it('go one at a time, until the body is read or discarded', async () => {
    let open = 0
    let most = 0
    handler = (_request, response) => {
      open += 1
      most = Math.max(most, open)
      setTimeout(() => {
        open -= 1
        response.end('rows')
      }, 10)
    }
    const client = httpClient(effects)
    const read = async (path: string, discards: boolean) => {
      const answer = await client.send({ url: `${base}${path}` })
      if (discards) return answer.discard()
      for await (const _chunk of answer.bytes);
    }
    await Promise.all(['/1', '/2', '/3', '/4'].map((path, index) => read(path, index % 2 === 1)))
    expect([asked.length, most]).toEqual([4, 1])
  })
})

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    ['Thu, 01 Jan 1970 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 1969 23:59:00 GMT', 0],
    ['soon', undefined],
    [null, undefined],
  ])('%s means %s ms', (header, ms) => expect(retryAfterMs(header, 0)).toBe(ms))
})

describe('an address for people', () => {
  it.each([
    ['https://a.org/x.csv?$limit=5', 'https://a.org/x.csv?$limit=5'],
    ['https://a.org/x?$$app_token=t&a=1', 'https://a.org/x?%24%24app_token=%E2%80%A6&a=1'],
    ['https://me:secret@a.org/x', 'https://a.org/x'],
    ['folder/file.csv', 'folder/file.csv'],
  ])('%s is shown as %s', (url, shown) => expect(withoutSecrets(url)).toBe(shown))
})
