import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { titleWith } from './shared-folder.js'

/** An answer that a portal once gave. */
export interface RecordedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A recorded exchange. */
export interface RecordedExchange {
  readonly method: string
  readonly url: string
  readonly answer: RecordedAnswer
}

interface Cassette {
  readonly interactions: readonly {
    readonly request: { readonly method: string; readonly uri: string }
    readonly response: {
      readonly body: { readonly string: string | Uint8Array }
      readonly headers: Readonly<Record<string, readonly string[]>>
      readonly status: { readonly code: number }
    }
  }[]
}

/** The exchanges of a .yaml cassette; compressed bodies are unpacked, as a client would. */
export function readCassette(file: string): readonly RecordedExchange[] {
  const { interactions } = parse(readFileSync(file, 'utf8')) as Cassette
  return interactions.map(({ request, response }) => ({
    method: request.method,
    url: request.uri,
    answer: {
      status: response.status.code,
      headers: withoutTransfer(
        Object.entries(response.headers).map(([name, values]) => [name, values.join(', ')]),
      ),
      body: textOf(response.body.string),
    },
  }))
}

/** The exchange of a .http.json recording. */
export function readHttpJson(file: string): RecordedExchange {
  const { request, response } = JSON.parse(readFileSync(file, 'utf8')) as {
    request: { method: string; url: string }
    response: { status: number; headers: Record<string, string>; body: string }
  }
  const { status, headers, body } = response
  return { ...request, answer: { status, headers: withoutTransfer(Object.entries(headers)), body } }
}

/** A body alone, with the status that belongs to it. */
export function readBody(file: string, status = 200): RecordedAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: readFileSync(file, 'utf8'),
  }
}

/** What a table of routes says: the first whose pattern the method and address fit. An answer may depend on how often it was asked for. */
export type Routes = readonly (readonly [pattern: RegExp, ...answers: RecordedAnswer[]])[]

/**
 * A network that gives recorded answers. The nth request to a route gets its nth answer, later ones the last.
 * @throws Error for a request that no route fits
 */
export function replay(routes: Routes): typeof fetch {
  const asked = routes.map(() => 0)
  return async (input, init) => {
    const line = `${init?.method ?? 'GET'} ${decodeURIComponent(String(input))} ${init?.body ?? ''}`
    const at = routes.findIndex(([pattern]) => pattern.test(line))
    const [, ...answers] = routes[at] ?? [undefined]
    const answer = answers[Math.min(asked[at] ?? 0, answers.length - 1)]
    if (answer === undefined) throw new Error(`nothing recorded for ${line}`)
    asked[at] = (asked[at] ?? 0) + 1
    return new Response(answer.body, { status: answer.status, headers: { ...answer.headers } })
  }
}

/** An answer made up for a request that was not recorded. */
export function madeUp(value: unknown): RecordedAnswer {
  const body = JSON.stringify(value)
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

/** Names of the files in the table of a SOURCES.md. */
export function filesOf(sourcesFile: string): readonly string[] {
  const lines = readFileSync(sourcesFile, 'utf8').matchAll(/^\| (\S+\.\S+) \| \d+ \|/gm)
  return [...lines].map(([, name]) => name as string)
}

/**
 * Tests of a folder of recordings: each file of its SOURCES.md has a case, and each case passes.
 * @param folder undefined where the shared folder is absent: everything is skipped, and says so
 */
export function describeRecorded(
  portals: string,
  folder: string | undefined,
  cases: Readonly<Record<string, () => unknown>>,
): void {
  describe(`recorded answers of ${portals}`, () => {
    it.skipIf(folder === undefined)(titleWith(folder, 'have a case each'), () => {
      expect([...filesOf(join(folder as string, 'SOURCES.md'))].sort()).toEqual(Object.keys(cases).sort())
    })

    it.skipIf(folder === undefined).each(Object.keys(cases))(
      titleWith(folder, 'are read or refused as they have to be: %s'),
      async (name) => {
        await cases[name]?.()
      },
    )
  })
}

function withoutTransfer(headers: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    headers.filter(([name]) => !/^(content-encoding|content-length|transfer-encoding)$/i.test(name)),
  )
}

function textOf(body: string | Uint8Array): string {
  if (typeof body === 'string') return body
  const isZipped = body[0] === 0x1f && body[1] === 0x8b
  const bytes = isZipped ? gunzipSync(body, { finishFlush: constants.Z_SYNC_FLUSH }) : body
  return Buffer.from(bytes).toString('utf8')
}
