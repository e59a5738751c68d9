import { afterEach, describe, expect, it } from 'vitest'
import { serveLists } from './api-server.fixture.js'
import type { Fetch } from './read-answer.js'
import { readPublicRecord } from './read-api.js'
import { planted, seriesOf, told, truthOf } from './score.fixture.js'
import { scoreServer } from './score-server.js'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function serve(...given: Parameters<typeof serveLists>) {
  const server = await serveLists(...given)
  open.push(server.close)
  return server
}

const answering =
  (body: string, status = 200): Fetch =>
  async () =>
    new Response(body, { status })

const weeks = ['2025-03-03', '2025-03-10', '2025-03-17']

describe('reading what a server shows', () => {
  it('follows both lists to their ends, page after page', async () => {
    const findings = weeks.map((week, index) => told(week, { index }))
    const server = await serve({ findings, series: seriesOf(['a', 'b', 'c']) })
    const record = await readPublicRecord(server.url, fetch)
    expect(record).toEqual({ events: findings, series: seriesOf(['a', 'b', 'c']) })
    expect(server.asked).toEqual([
      '/api/v1/findings?limit=1000',
      '/api/v1/findings?limit=1000&cursor=2',
      '/api/v1/series?limit=1000',
      '/api/v1/series?limit=1000&cursor=2',
    ])
  })

  it('takes an address with a path, and answers that say more than is needed', async () => {
    const asked: string[] = []
    const answer: Fetch = async (address) => {
      asked.push(address)
      const item = { ...seriesOf()[0], kind: 'service-requests', weeks: 9, oldest_tested_week: null }
      const body = address.includes('/series')
        ? { series: [item] }
        : { findings: [{ ...told(weeks[0]!), more: 1 }] }
      return Response.json({ ...body, next: null })
    }
    const record = await readPublicRecord('http://localhost/city', answer)
    expect(record).toMatchObject({
      events: [{ finding: 'finding-2025-03-03' }],
      series: [{ dataset: 'calls' }],
    })
    expect(asked[0]).toBe('http://localhost/city/api/v1/findings?limit=1000')
  })

  it('says how to start a server where nobody answers', async () => {
    const server = await serveLists({ findings: [] })
    await server.close()
    await expect(readPublicRecord(server.url, fetch)).rejects.toMatchObject({
      code: 'api-unreachable',
      remedy: 'retry',
      message: expect.stringContaining('--url'),
    })
  })

  it('says that a server has no list of series, as one of an earlier release', async () => {
    const server = await serve({ findings: [] })
    await expect(readPublicRecord(server.url, fetch)).rejects.toMatchObject({
      code: 'api-unusable',
      remedy: 'fix-config',
      message: expect.stringMatching(/\/api\/v1\/series\?limit=1000 answers with status 404/),
    })
  })

  it.each<[string, Fetch, string, string]>([
    ['a page for people', answering('<!doctype html>'), 'api-unusable', 'fix-config'],
    ['another list', answering('{"items":[]}'), 'api-unusable', 'fix-config'],
    ['an event without a place', answering('{"findings":[{}],"next":null}'), 'api-unusable', 'fix-config'],
    ['the same page for ever', answering('{"findings":[],"next":"5"}'), 'api-unusable', 'fix-config'],
    ['a failure', answering('', 503), 'api-failed', 'retry'],
    ['too many requests', answering('', 429), 'api-failed', 'retry'],
  ])('refuses %s', async (_what, answer, code, remedy) => {
    await expect(readPublicRecord('http://localhost', answer)).rejects.toMatchObject({ code, remedy })
  })

  it('stops reading an answer that does not end, and a list of ever new pages', async () => {
    const piece = new Uint8Array(2 ** 20).fill(32)
    let given = 0
    const pull = (to: ReadableStreamDefaultController) => {
      given += 1
      to.enqueue(piece)
    }
    const long: Fetch = async () => new Response(new ReadableStream({ pull }))
    await expect(readPublicRecord('http://localhost', long)).rejects.toMatchObject({ code: 'api-unusable' })
    expect(given).toBeLessThan(70)
    let pages = 0
    const many: Fetch = async () => Response.json({ findings: [], next: String(pages++) })
    await expect(readPublicRecord('http://localhost', many)).rejects.toMatchObject({ code: 'api-unusable' })
    expect(pages).toBeLessThan(2_100)
  })
})

describe('scoring a server', () => {
  it('finds over HTTP what it finds in memory', async () => {
    const findings = weeks.map((week, index) => told(week, { finding: 'one', index }))
    const { url } = await serve({ findings, series: seriesOf() })
    const score = await scoreServer(truthOf([planted()]), url, fetch)
    expect(score).toMatchObject({ counts: { recall: { share: 1 }, precision: { share: 1 } } })
  })

  it('refuses to compare a city with the truth of another', async () => {
    const series = seriesOf().map((one) => ({ ...one, dataset: 'permits' }))
    const { url } = await serve({ findings: [], series })
    await expect(scoreServer(truthOf([]), url, fetch)).rejects.toMatchObject({
      code: 'truth-of-other-city',
      remedy: 'fix-config',
    })
  })
})
