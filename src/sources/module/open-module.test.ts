import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeSource, type SourceTrial } from '../../../testkit/source.contract.js'
import { ModuleSource } from '../../contracts/sources/module.js'
import type { WardbookError } from '../../kernel/errors.js'
import { httpClient, systemEffects } from '../http/client.js'
import { openModuleSource } from './open-module.js'

const TOKEN = 'a-secret-token'
const http = httpClient({ ...systemEffects(), sleep: async () => undefined })

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-module-'))
  const guide = await readFile(join(import.meta.dirname, '../../../docs/source-modules.md'), 'utf8')
  await writeFile(
    join(folder, 'example.mjs'),
    (/```js\n([\s\S]*?)```/.exec(guide) as RegExpExecArray)[1] as string,
  )
})
afterAll(() => rm(folder, { recursive: true }))

function open(path: string, options = {}) {
  const config = ModuleSource.parse({ family: 'module', path, options, tokenFrom: 'PORTAL_TOKEN' })
  return openModuleSource('permits/all', config, { folder, http, env: { PORTAL_TOKEN: TOKEN } })
}

/** The portal of the guide's example, with seven permits, of which it gives three a page at most. */
async function startPortal(): Promise<SourceTrial> {
  const permits = Array.from({ length: 7 }, (_value, at) => ({
    id: at + 1,
    cost: `${at}.50`,
    note: at % 2 === 0 ? 'a "b"\n,c' : null,
  }))
  let asked = 0
  let updated = '2026-01-01T00:00:00Z'
  let breaks = false
  let errors = false
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    asked += 1
    const url = new URL(request.url ?? '', 'http://portal')
    if (request.headers['x-token'] !== TOKEN) return response.writeHead(401).end('{"error":"who are you?"}')
    if (!url.pathname.endsWith('/rows'))
      return response.end(JSON.stringify({ rows: permits.length, updated }))
    if (errors) return response.end('{"error":"database is down"}')
    const later = permits.filter(({ id }) => id > Number(url.searchParams.get('after')))
    const rows = later.slice(0, Math.min(3, Number(url.searchParams.get('limit'))))
    const body = JSON.stringify({ more: rows.length < later.length, rows })
    response.writeHead(200, { 'content-length': body.length })
    if (breaks) response.write(body.slice(0, 20), () => response.destroy())
    else response.end(body)
    breaks = false
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const portal = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    rows: permits.map(({ id, cost, note }) => ({ id: String(id), cost, note })),
    secrets: [TOKEN],
    open: () => open('example.mjs', { portal, table: 'permits', pageRows: 5 }),
    requests: () => asked,
    change: () => {
      updated = '2026-01-02T00:00:00Z'
    },
    breakNextPage: () => {
      breaks = true
    },
    answerErrors: () => {
      errors = true
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describeSource('the example of docs/source-modules.md', startPortal)

describe('a source module', () => {
  it.each([
    ['absent.mjs', undefined, 'module-missing'],
    ['syntax.mjs', 'export function openSource( {', 'module-missing'],
    ['other.mjs', 'export const source = {}', 'module-unusable'],
    ['half.mjs', 'export const openSource = () => ({ describe() {}, fetch() {} })', 'module-unusable'],
    ['none.mjs', 'export const openSource = async () => null', 'module-unusable'],
    ['throws.mjs', 'export function openSource({ options }) { return options.a.b }', 'module-failed'],
  ])('%s is refused with what is wrong', async (path, text, code) => {
    if (text !== undefined) await writeFile(join(folder, path), text)
    const error = await open(path).then(
      () => expect.fail('opened'),
      (thrown) => thrown as WardbookError,
    )
    expect([error.code, error.remedy]).toEqual([code, 'fix-config'])
    expect(error.message).toContain(path)
  })

  it('tells its own errors as its own, and passes ours on', async () => {
    const text = `export const openSource = ({ failure }) => ({
      describe() { throw new TypeError('no such member') },
      nextPage() { throw new Error('lost') },
      fetch() { throw failure('portal-failed', 'retry', 'busy') },
      failureOf() {},
    })`
    await writeFile(join(folder, 'faulty.mjs'), text)
    const source = await open('faulty.mjs')
    await expect(source.describe()).rejects.toMatchObject({
      code: 'module-failed',
      facts: { method: 'describe' },
    })
    await expect(source.fetch({} as never)).rejects.toMatchObject({ code: 'portal-failed', remedy: 'retry' })
    expect(() => source.nextPage({} as never, [])).toThrow(/lost/)
  })
})
