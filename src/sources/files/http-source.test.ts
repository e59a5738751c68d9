import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { joinChunks } from '../../../testkit/chunks.js'
import { type RangeServer, startRangeServer } from '../../../testkit/range-server.js'
import { readWhole } from '../../../testkit/read-source.js'
import { describeSource, type SourceTrial } from '../../../testkit/source.contract.js'
import { FilesSource } from '../../contracts/sources/files.js'
import type { WardbookError } from '../../kernel/errors.js'
import { httpClient, systemEffects } from '../http/client.js'
import { changeTokenOf } from './change-token.js'
import { openFilesSource } from './files-source.js'

let server: RangeServer
beforeEach(async () => {
  server = await startRangeServer()
})
afterEach(() => server.close())

/** Waits pass at once. */
const client = () => httpClient({ ...systemEffects(), sleep: async () => undefined })

function open(config: object, thisYear = 2026) {
  const settings = FilesSource.parse({ family: 'files', ...config })
  return openFilesSource('d/s', settings, { mirror: undefined, http: client(), thisYear: () => thisYear })
}

const CSV = `id,name\n${Array.from({ length: 2_000 }, (_value, at) => `${at},"row ${at}"\n`).join('')}`
const TAGGED = { etag: '"v1"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }

describeSource('files over HTTP', async (): Promise<SourceTrial> => {
  const own = await startRangeServer()
  own.files.set('/1.csv', { body: 'id,name\n1,a\n2,\n', headers: { etag: '"1"' } })
  own.files.set('/2.json', { body: '[{"id":3,"name":"c"}]', headers: { etag: '"2"' } })
  const urls = [`${own.url}/1.csv?token=hidden`, `${own.url}/2.json`]
  own.files.set('/1.csv?token=hidden', own.files.get('/1.csv') as never)
  return {
    rows: [
      { id: '1', name: 'a' },
      { id: '2', name: null },
      { id: '3', name: 'c' },
    ],
    secrets: ['hidden'],
    open: () => open({ urls }),
    requests: () => own.requests.length,
    change: () => void own.files.set('/2.json', { body: '[{"id":4}]', headers: { etag: '"3"' } }),
    answerErrors: () => {
      for (const url of urls)
        own.files.set(url.slice(own.url.length), { body: '<html>down for repair</html>' })
    },
    close: () => own.close(),
  }
})

describe('looking at a file', () => {
  const offerOf = async (headStatus: number | undefined, headers = {}) => {
    server.files.set('/a.csv', { body: CSV, headers, ...(headStatus === undefined ? {} : { headStatus }) })
    return (await open({ urls: [`${server.url}/a.csv`] }).describe()).offers[0]
  }

  it('tells its state from tag, date and length, by one HEAD', async () => {
    const token = `"v1" ${TAGGED['last-modified']} ${CSV.length}`
    expect(await offerOf(undefined, TAGGED)).toMatchObject({
      changeToken: token,
      publishedAt: '2026-01-01T00:00:00.000Z',
    })
    expect(server.requests).toEqual(['HEAD /a.csv'])
  })

  it.each([400, 403, 404, 405, 501, 503])(
    'tells the same by one byte where HEAD is answered %d',
    async (status) => {
      expect(await offerOf(status, TAGGED)).toEqual(await offerOf(undefined, TAGGED))
      expect(server.requests.slice(0, 2)).toEqual(['HEAD /a.csv', 'GET /a.csv bytes=0-0'])
    },
  )

  it('gives no sign where the server gives none', async () => {
    expect(await offerOf(undefined)).toMatchObject({ changeToken: undefined, publishedAt: undefined })
  })

  it.each([
    [{ etag: 'W/"a"' }, { etag: '"a"' }],
    [{ etag: '"a-gzip"', 'content-encoding': 'gzip', 'content-length': '5' }, { etag: '"a"' }],
    [
      { etag: '"a"', 'content-range': 'bytes 0-0/9', 'content-length': '1' },
      { etag: '"a"', 'content-length': '9' },
    ],
  ])('takes %j for the same as %j', (one, other) => {
    expect(changeTokenOf(new Headers(one as Record<string, string>))).toBe(
      changeTokenOf(new Headers(other as Record<string, string>)),
    )
  })
})

describe('one file a year', () => {
  const find = () => ({ name: `${server.url}/{year}.csv`, from: 2022 })
  const names = (urls: readonly string[]) => urls.map((url) => url.slice(server.url.length))

  it('is found by looking, up to the first year behind the last that is not there; years that are missing are told', async () => {
    for (const year of [2022, 2023, 2025, 2026, 2027]) server.files.set(`/${year}.csv`, { body: CSV })
    const { offers, missing } = await open({ find: find() }, 2026).describe()
    expect(names(offers.map(({ name }) => name))).toEqual([
      '/2022.csv',
      '/2023.csv',
      '/2025.csv',
      '/2026.csv',
      '/2027.csv',
    ])
    expect(names(missing)).toEqual(['/2024.csv'])
  })

  it('has to be there through the year that the city file names', async () => {
    server.files.set('/2022.csv', { body: CSV })
    expect((await open({ find: { ...find(), through: 2022 } }, 2026).describe()).missing).toEqual([])
    expect(names((await open({ find: find() }, 2024).describe()).missing)).toEqual(['/2023.csv', '/2024.csv'])
  })

  it('is not there where a server answers every address with a page for people', async () => {
    const page = { body: '<html>not here</html>', headers: { 'content-type': 'text/html' } }
    for (const year of [2023, 2024]) server.files.set(`/${year}.csv`, page)
    server.files.set('/2022.csv', { body: CSV })
    const { offers, missing } = await open({ find: { ...find(), through: 2022 } }, 2024).describe()
    expect([names(offers.map(({ name }) => name)), missing]).toEqual([['/2022.csv'], []])
  })

  it('is refused when there is none at all', async () => {
    await expect(open({ find: find() }).describe()).rejects.toMatchObject({ code: 'source-empty-list' })
  })
})

describe('a transfer that breaks', () => {
  async function readBroken(breaks: number[], file: object = {}) {
    server.files.set('/a.csv', { body: CSV, headers: TAGGED, ...file })
    const source = open({ urls: [`${server.url}/a.csv`] })
    const begun = await readWhole(source, { stopAfterPages: 0 })
    server.requests.length = 0
    server.breaks.push(...breaks)
    return readWhole(source, { goOnFrom: begun, tries: 1 })
  }

  it('goes on where it broke', async () => {
    const read = await readBroken([1_000, 500])
    expect([read.rows.length, read.rows.at(-1)]).toEqual([2_000, { id: '1999', name: 'row 1999' }])
    expect(server.requests).toHaveLength(3)
  })

  it.each([
    ['ranges are ignored', { noRanges: true }, /^GET \/a.csv( bytes=\d+-)?$/],
    ['there is no tag to compare', { headers: {} }, /^GET \/a.csv$/],
    ['ranges are refused', { headers: { ...TAGGED, 'accept-ranges': 'none' } }, /^GET \/a.csv$/],
  ])('begins anew where %s, and gives each byte once', async (_why, file, second) => {
    expect((await readBroken([1_000], file)).rows).toHaveLength(2_000)
    expect(server.requests).toEqual(['GET /a.csv', expect.stringMatching(second)])
  })

  it('begins anew where the transfer is compressed', async () => {
    expect((await readBroken([2_000], { encoded: true })).rows).toHaveLength(2_000)
    expect(server.requests).toEqual(['GET /a.csv', 'GET /a.csv'])
  })

  it('is read again as a whole when the file is another one now', async () => {
    server.files.set('/a.csv', { body: CSV, headers: TAGGED })
    const source = open({ urls: [`${server.url}/a.csv`] })
    const answer = await source.fetch({ page: 0, url: `${server.url}/a.csv`, format: { kind: 'file' } })
    await joinChunks(answer.bytes)
    server.breaks.push(1_000)
    const broken = await source.fetch({ page: 0, url: `${server.url}/a.csv`, format: { kind: 'file' } })
    server.files.set('/a.csv', {
      body: CSV.replaceAll('row', 'ROW'),
      headers: { ...TAGGED, etag: '"v2"', 'last-modified': 'Fri, 02 Jan 2026 00:00:00 GMT' },
    })
    await expect(joinChunks(broken.bytes)).rejects.toMatchObject({
      code: 'changed-during-read',
      remedy: 'retry',
    })
  })

  it('is given up after a bounded number of breaks', async () => {
    const error = await readBroken(Array.from({ length: 50 }, () => 10)).catch(
      (thrown) => thrown as WardbookError,
    )
    expect(error).toMatchObject({ code: 'portal-broke-off', remedy: 'retry' })
    expect(server.requests).toHaveLength(5)
  })
})

describe('a source without addresses', () => {
  it('is refused with what to do', () => {
    expect(() => open({ mirror: ['*.csv'] })).toThrow(/--mirror/)
  })
})
