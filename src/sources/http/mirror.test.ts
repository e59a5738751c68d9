import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { joinChunks } from '../../../testkit/chunks.js'
import { startRangeServer } from '../../../testkit/range-server.js'
import { readWhole } from '../../../testkit/read-source.js'
import { FilesSource } from '../../contracts/sources/files.js'
import { openFilesSource } from '../files/files-source.js'
import { type HttpRequest, httpClient, systemEffects } from './client.js'
import { mirrorFetch } from './mirror.js'
import { recordingFetch } from './record.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-mirror-'))
})
afterEach(() => rm(folder, { recursive: true }))

const client = (fetcher: typeof fetch) =>
  httpClient({ ...systemEffects(fetcher), sleep: async () => undefined })

async function ask(fetcher: typeof fetch, request: HttpRequest) {
  const answer = await client(fetcher).send(request)
  return {
    status: answer.status,
    etag: answer.headers.get('etag'),
    text: (await joinChunks(answer.bytes)).toString(),
  }
}

function files(fetcher: typeof fetch, config: object, mirror: string | undefined = undefined) {
  const settings = FilesSource.parse({ family: 'files', ...config })
  return openFilesSource('d/s', settings, { mirror, http: client(fetcher), thisYear: () => 2025 })
}

describe('a mirror', () => {
  const url = 'https://portal.invalid/a.csv'

  beforeEach(async () => {
    await writeFile(join(folder, 'a.csv'), 'id\n1\n')
    await utimes(join(folder, 'a.csv'), 1_700_000_000, 1_700_000_000)
    await writeFile(
      join(folder, 'mirror.json'),
      JSON.stringify({ [url]: 'a.csv', 'https://portal.invalid/b': 'gone.csv' }),
    )
  })

  it('answers for the network, with the time and size of its files', async () => {
    const source = files(mirrorFetch(folder), { urls: [url] })
    const { publication, rows } = await readWhole(source)
    expect(publication.offers).toMatchObject([{ name: url, publishedAt: '2023-11-14T22:13:20.000Z' }])
    expect(rows).toEqual([{ id: '1' }])
    await writeFile(join(folder, 'a.csv'), 'id\n2\n3\n')
    expect((await source.describe()).offers[0]?.changeToken).not.toBe(publication.offers[0]?.changeToken)
  })

  it.each([
    ['https://portal.invalid/c', 'mirror-lacks-url', 'fix-config'],
    ['https://portal.invalid/b', 'source-not-found', 'fix-source'],
  ])('that lacks %s says so as %s', async (absent, code, remedy) => {
    await expect(ask(mirrorFetch(folder), { url: absent })).rejects.toMatchObject({ code, remedy })
  })

  it('shows who only looks that a year is not there', async () => {
    const find = { name: 'https://portal.invalid/{year}.csv', from: 2024 }
    const { missing, offers } = await files(mirrorFetch(folder), { urls: [url], find }).describe()
    expect([missing.length, offers.length]).toEqual([2, 1])
  })

  it('that is no folder, or has a broken index, says so', async () => {
    await expect(ask(mirrorFetch(join(folder, 'none')), { url })).rejects.toMatchObject({
      code: 'mirror-missing',
    })
    await writeFile(join(folder, 'mirror.json'), '[1]')
    await expect(ask(mirrorFetch(folder), { url })).rejects.toMatchObject({ code: 'mirror-index-broken' })
  })

  it('may be read by patterns, in the order of paths', async () => {
    await mkdir(join(folder, 'deep'))
    await writeFile(join(folder, 'deep/b.json'), '[{"id":2}]')
    await writeFile(join(folder, 'deep/notes.md'), 'no table')
    const source = files(fetch, { mirror: ['**/*'] }, folder)
    const read = await readWhole(source)
    expect(read.publication.offers.map(({ name }) => name)).toEqual(['a.csv', 'deep/b.json'])
    expect(read.rows).toEqual([{ id: '1' }, { id: '2' }])
    await expect(files(fetch, { mirror: ['*.xlsx'] }, folder).describe()).rejects.toMatchObject({
      code: 'source-empty-list',
    })
  })
})

describe('a recording', () => {
  const secret = 'top-secret'

  it('answers later as the portal did, and holds no secret', async () => {
    const server = await startRangeServer()
    server.files.set('/a', { body: 'rows', headers: { etag: '"1"', 'x-private': secret } })
    server.files.set(`/a?$$app_token=${secret}&x=1`, { body: 'more rows' })
    const { fetch: recorded, finish } = recordingFetch(fetch, folder)
    const requests: HttpRequest[] = [
      { url: `${server.url}/a`, secretHeaders: { authorization: secret } },
      { url: `${server.url}/a?x=1`, secretQuery: { $$app_token: secret } },
      { url: `${server.url}/a`, body: 'where=1' },
      { url: `${server.url}/none`, accept: [404] },
    ]
    const heard = []
    for (const request of requests) heard.push(await ask(recorded, request).catch((thrown) => thrown.code))
    await finish()
    await server.close()
    for (const [at, request] of requests.entries()) {
      const { secretHeaders: _headers, secretQuery: _query, ...open } = request
      expect(await ask(mirrorFetch(folder), open).catch((thrown) => thrown.code)).toEqual(heard[at])
    }
    await expect(ask(mirrorFetch(folder), { url: `${server.url}/a`, body: 'where=2' })).rejects.toMatchObject(
      { code: 'mirror-lacks-url' },
    )
    for (const name of await readdir(folder, { recursive: true })) {
      const text = await readFile(join(folder, name), 'utf8').catch(() => '')
      expect(text).not.toContain(secret)
      expect(text).not.toContain('where=1')
    }
  })

  it('of a whole read gives the same read, also the years that were not there', async () => {
    const server = await startRangeServer()
    server.files.set('/2023.csv', {
      body: 'id\n1\n',
      headers: { 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' },
    })
    server.files.set('/2025.csv', { body: 'id\n2\n', headStatus: 405 })
    const config = { find: { name: `${server.url}/{year}.csv`, from: 2023 } }
    const { fetch: recorded, finish } = recordingFetch(fetch, folder)
    const live = await readWhole(files(recorded, config))
    await finish()
    await server.close()
    const replayed = await readWhole(files(mirrorFetch(folder), config))
    expect(replayed.rows).toEqual(live.rows)
    expect(replayed.publication.missing).toEqual(live.publication.missing)
    expect(replayed.pages.flat().map(({ sha256 }) => sha256)).toEqual(
      live.pages.flat().map(({ sha256 }) => sha256),
    )
  })

  it('keeps no answer that broke or was not read to its end, and what was there before', async () => {
    await writeFile(join(folder, 'mirror.json'), '{"https://portal.invalid/old":"old.csv"}')
    const server = await startRangeServer()
    server.files.set('/a', { body: 'rows and rows' })
    const { fetch: recorded, finish } = recordingFetch(fetch, folder)
    server.breaks.push(3)
    await expect(ask(recorded, { url: `${server.url}/a` })).rejects.toMatchObject({
      code: 'portal-broke-off',
    })
    await (await client(recorded).send({ url: `${server.url}/a` })).discard()
    await finish()
    await server.close()
    expect(Object.keys(JSON.parse(await readFile(join(folder, 'mirror.json'), 'utf8')))).toEqual([
      'https://portal.invalid/old',
    ])
    expect(await readdir(join(folder, 'bodies'))).toEqual([])
  })

  it('follows redirects in the replay, without the secrets in their addresses', async () => {
    const portal: typeof fetch = async (input) =>
      String(input).includes('signed')
        ? new Response('rows')
        : new Response(null, {
            status: 302,
            headers: { location: `https://files.invalid/signed?X-Amz-Signature=${secret}&part=1` },
          })
    const { fetch: recorded, finish } = recordingFetch(portal, folder)
    const request = { url: 'https://portal.invalid/a' }
    expect((await ask(recorded, request)).text).toBe('rows')
    await finish()
    expect((await ask(mirrorFetch(folder), request)).text).toBe('rows')
    expect(await readFile(join(folder, 'mirror.json'), 'utf8')).not.toContain(secret)
  })
})
