import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type FileServer, startFileServer } from '../../testkit/file-server.js'
import { keysOf, makeLake, rowsOf, type TestLake, worldOf } from '../../testkit/lake-fixture.js'
import { DATASET, ingest, SOURCE, testCity, writeFiles } from '../../testkit/test-city.js'
import { tables } from '../lake/tables.js'

const RAW = tables.raw(DATASET, SOURCE)
const QUARANTINE = tables.quarantine('ingest', DATASET, SOURCE)
const HEADER = 'id,District,Type,Opened\n'
const LINES = Array.from(
  { length: 30 },
  (_, at) => `${at},${(at % 3) + 1},Pothole,2026-01-0${(at % 9) + 1}\n`,
)
const GOOD = HEADER + LINES.join('')
const CHANGED = `${GOOD}30,1,Noise,2026-01-09\n`
const ZIPPED = gzipSync(CHANGED)
const UNCLOSED = `${HEADER}${LINES.slice(0, 10).join('')}x,"1,Pothole\n${LINES.slice(10).join('')}`

interface Garbage {
  readonly what: string
  readonly answer: Answer
  readonly code: string
  readonly remedy: string
  readonly facts?: object
  /** False where only a network can fail like this. */
  readonly inMirror?: false
}

const GARBAGE: readonly Garbage[] = [
  {
    what: 'an HTML page named .csv',
    answer: { body: '<!doctype html><title>Maintenance</title>' },
    code: 'answered-html',
    remedy: 'fix-source',
    facts: { line: 1 },
  },
  { what: 'a JSON error', answer: { body: '{"error":true}' }, code: 'answered-json', remedy: 'fix-source' },
  {
    what: 'an empty file',
    answer: { body: '' },
    code: 'source-empty',
    remedy: 'fix-source',
    facts: { bytes: 0 },
  },
  {
    what: 'a truncated gzip file',
    answer: { body: ZIPPED.subarray(0, 60) },
    code: 'gzip-truncated',
    remedy: 'fix-source',
    facts: { byteOffset: 60 },
  },
  {
    what: 'a file without the column of the division',
    answer: { body: 'id,Type,Opened\n1,Pothole,2026-01-01\n' },
    code: 'partition-column-missing',
    remedy: 'fix-source',
    facts: { line: 1, partitionColumn: 'District' },
  },
  {
    what: 'a line of 2 MiB',
    answer: { body: `${GOOD}${'x'.repeat(2 << 20)}\n` },
    code: 'row-too-long',
    remedy: 'shrink',
    facts: { line: 32, byteOffset: GOOD.length },
  },
  {
    what: 'more bad rows than allowed',
    answer: { body: `${GOOD}${'1,2\n'.repeat(101)}` },
    code: 'too-many-bad-rows',
    remedy: 'fix-source',
    facts: { bad: 101, all: 131, allowed: 100 },
  },
  {
    what: 'a header without any row where there were rows',
    answer: { body: HEADER },
    code: 'all-rows-vanished',
    remedy: 'fix-source',
    facts: { before: 30 },
  },
  {
    what: 'a moved file (404)',
    answer: { status: 404, body: 'gone' },
    code: 'source-not-found',
    remedy: 'fix-source',
    facts: { status: 404 },
    inMirror: false,
  },
  {
    what: 'a connection cut in mid-body',
    answer: { body: CHANGED, cutAfter: 500 },
    code: 'portal-broke-off',
    remedy: 'retry',
    inMirror: false,
  },
  {
    what: 'a body shorter than announced',
    answer: { body: CHANGED, headers: { 'content-length': String(CHANGED.length + 9), connection: 'close' } },
    code: 'portal-broke-off',
    remedy: 'retry',
    inMirror: false,
  },
]

let lake: TestLake
let server: FileServer
let mirror: string

beforeEach(async () => {
  lake = await makeLake()
  server = await startFileServer()
  mirror = await mkdtemp(join(tmpdir(), 'wardbook-mirror-'))
})
afterEach(async () => {
  await server.close()
  await lake.remove()
  await rm(mirror, { recursive: true })
})

const overNetwork = () => testCity({ source: { mirror: [], urls: [`${server.url}/calls.csv`] } })

const OUTBOX = tables.outbox('ingest')

/** Everything but the outbox, and what the outbox says of gaps. */
async function worldAndGaps(): Promise<{ world: object; gaps: string[] }> {
  const { [OUTBOX]: _outbox, ...world } = await worldOf(lake.store)
  const proposals = await rowsOf<{ kind: string; body: string }>(lake.store, OUTBOX)
  const gaps = proposals.filter(({ kind }) => kind === 'dataset.gap')
  return { world, gaps: gaps.map(({ body }) => (JSON.parse(body) as { code: string }).code) }
}

/** A gap is told where the publisher is to act on it; one that passes, or that the city file has to mend, is none. */
const gapsOf = (code: string, remedy: string) => (remedy === 'fix-source' ? [code] : [])

describe('ingesting garbage over HTTP', () => {
  it.each(GARBAGE)('refuses $what, commits nothing and keeps the earlier snapshot', async (garbage) => {
    server.serve('/calls.csv', { body: GOOD, headers: { etag: '"1"' } })
    await ingest(lake.store, overNetwork())
    const { world } = await worldAndGaps()

    server.serve('/calls.csv', { headers: { etag: '"2"' }, ...garbage.answer })
    const { code, remedy, facts = {} } = garbage
    const error = await ingest(lake.store, overNetwork()).catch((thrown) => thrown)
    expect(error).toMatchObject({ code, remedy, facts })
    expect(error.message).toMatch(/calls(\.csv|\/portal)/)
    expect(await worldAndGaps()).toEqual({ world, gaps: gapsOf(code, remedy) })
    expect(await rowsOf(lake.store, RAW)).toHaveLength(30)
    await ingest(lake.store, overNetwork()).catch(() => undefined)
    expect((await worldAndGaps()).gaps).toEqual(gapsOf(code, remedy)) // told once, however often it is tried

    server.serve('/calls.csv', { body: CHANGED, headers: { etag: '"3"' } })
    expect(await ingest(lake.store, overNetwork())).toMatchObject({
      verdict: 'committed',
      rows: 31,
      snapshot: 1,
    })
  })

  it('tries again after 503, three times', async () => {
    const busy = { status: 503, body: 'busy' }
    server.serve('/calls.csv', busy, busy, busy, { body: GOOD })
    expect(await ingest(lake.store, overNetwork())).toMatchObject({ verdict: 'committed', rows: 30 })
    expect(server.requests.filter((request) => request.startsWith('GET'))).toHaveLength(4)
  })

  it('says that nobody is there, to be tried again', async () => {
    const city = overNetwork()
    await server.close()
    await expect(ingest(lake.store, city)).rejects.toMatchObject({
      code: 'portal-unreachable',
      remedy: 'retry',
    })
    expect(await worldOf(lake.store)).toEqual({})
    server = await startFileServer()
  })

  it('keeps a line whose quote never closes in quarantine, with reason, place and text, and all good rows', async () => {
    server.serve('/calls.csv', { body: gzipSync(UNCLOSED) })
    expect(await ingest(lake.store, overNetwork())).toMatchObject({ rows: 30, quarantined: 1 })
    expect(await rowsOf(lake.store, RAW)).toHaveLength(30)
    const offset = UNCLOSED.indexOf('x,"1')
    expect(await rowsOf(lake.store, QUARANTINE)).toMatchObject([
      {
        reason: 'unclosed-quote',
        detail: 'the quote that opens column 2 is never closed',
        source_file: `${server.url}/calls.csv`,
        line: 12,
        byte_offset: offset,
        raw_text: 'x,"1,Pothole',
        council_district: 'unassigned',
      },
    ])
  })

  it('asks for a page once more when the publisher changes it while it is read', async () => {
    server.serve(
      '/calls.csv',
      { body: GOOD, headers: { etag: '"1"' } },
      { body: CHANGED, headers: { etag: '"2"' } },
    )
    expect(await ingest(lake.store, overNetwork())).toMatchObject({ rows: 31 })
  })
})

describe('ingesting garbage from a mirror', () => {
  it.each(GARBAGE.filter(({ inMirror }) => inMirror !== false))(
    'refuses $what, commits nothing and keeps the earlier snapshot',
    async ({ answer, code, remedy, facts = {} }) => {
      await writeFiles(mirror, { 'calls.csv': GOOD })
      await ingest(lake.store, testCity(), { mirror })
      const { world } = await worldAndGaps()
      await writeFiles(mirror, { 'calls.csv': answer.body as string })
      const reading = ingest(lake.store, testCity(), { mirror })
      await expect(reading).rejects.toMatchObject({ code, remedy, facts })
      expect(await worldAndGaps()).toEqual({ world, gaps: gapsOf(code, remedy) })
    },
  )

  it('reads the files that mirror.json names in place of the urls', async () => {
    const url = 'https://data.testville.example/a.csv?format=csv'
    const city = testCity({ source: { mirror: [], urls: [url] } })
    await writeFiles(mirror, {
      'mirror.json': JSON.stringify({ [url]: 'kept/a.csv.gz' }),
      'kept/a.csv.gz': gzipSync(UNCLOSED),
    })
    expect(await ingest(lake.store, city, { mirror })).toMatchObject({ rows: 30, quarantined: 1 })
    const [run] = await rowsOf<{ url: string }>(lake.store, tables.runs('ingest'))
    expect(run?.url).toBe(url)
  })

  it.each([
    ['a folder that does not exist', {}, 'nowhere', 'mirror-missing'],
    ['a folder without a file that matches', { 'notes.txt': 'x' }, '.', 'source-empty-list'],
  ])('refuses %s', async (_what, files: Record<string, string>, folder, code) => {
    await writeFiles(mirror, files)
    const reading = ingest(lake.store, testCity(), { mirror: join(mirror, folder) })
    await expect(reading).rejects.toMatchObject({ code, remedy: 'fix-config' })
  })

  it.each([
    ['lacks a url', '{}', 'mirror-lacks-url', 'fix-config'],
    ['is no JSON', '{', 'mirror-index-broken', 'fix-config'],
    [
      'names a file that is not there',
      '{"https://a.example/a.csv":"a.csv"}',
      'source-not-found',
      'fix-source',
    ],
  ])('refuses a mirror.json that %s', async (_what, text, code, remedy) => {
    await writeFiles(mirror, { 'mirror.json': text })
    const city = testCity({ source: { mirror: [], urls: ['https://a.example/a.csv'] } })
    await expect(ingest(lake.store, city, { mirror })).rejects.toMatchObject({ code, remedy })
  })

  it('refuses a source that has neither urls nor a mirror', async () => {
    await expect(ingest(lake.store, testCity())).rejects.toMatchObject({ code: 'source-needs-mirror' })
    expect(await keysOf(lake.store)).toEqual([])
  })
})
