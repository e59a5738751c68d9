import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inProcessRunner, makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { trialTable } from '../../testkit/portal-trial.js'
import { testCity } from '../../testkit/test-city.js'
import { runInProcess } from '../../testkit/whole-pipeline.js'
import { startOpendatasoftPortal } from '../demo/portals/opendatasoft/opendatasoft-portal.js'
import type { RunningPortal } from '../demo/portals/portal-server.js'
import { WardbookError } from '../kernel/errors.js'
import { putOffUntil } from './put-off.js'

const NOW = Date.UTC(2026, 5, 15, 18)
const RESET_AT = '2026-06-16T00:00:00Z'

let lake: TestLake
let portal: RunningPortal
let quota: { dailyRequests?: number; resetAt: string }
beforeEach(async () => {
  lake = await makeLake()
  quota = { dailyRequests: 1, resetAt: RESET_AT }
  const columns = { id: 'text', District: 'text', Type: 'text', Opened: 'text' } as const
  const table = trialTable(columns, [['1', '7', 'Pothole', '2026-01-05']], { id: 'calls', keyColumn: 'id' })
  portal = await startOpendatasoftPortal(() => [table], quota)
})
afterEach(async () => {
  await portal.close()
  await lake.remove()
})

function run(at: number, source: object = {}) {
  const config = { family: 'opendatasoft', portal: portal.url, datasets: ['calls'], ...source }
  const city = testCity({ source: config })
  return runInProcess({
    ...{ store: lake.store, city, runner: inProcessRunner(lake.store) },
    clock: () => new Date(at),
  })
}

describe('a source whose portal has spent its quota', () => {
  it('is not asked again before the time that the portal named, and read then', async () => {
    expect(await run(NOW)).toMatchObject([
      { source: 'portal', until: '2026-06-16T00:00:00.000Z', error: { code: 'portal-quota-spent' } },
    ])
    const asked = portal.requests.length
    const [again] = await run(NOW + 3_600_000)
    expect(again).toMatchObject({
      until: '2026-06-16T00:00:00.000Z',
      error: { code: 'portal-quota-spent', remedy: 'retry', facts: { asked: false } },
    })
    expect(again?.error.message).toMatch(/^calls\/portal was not asked: .*until 2026-06-16T00:00:00.000Z/)
    expect(portal.requests).toHaveLength(asked)
    delete quota.dailyRequests
    expect(await run(Date.parse(RESET_AT))).toEqual([])
    expect(portal.requests.length).toBeGreaterThan(asked)
    expect(await run(Date.parse(RESET_AT) - 1_000)).toEqual([]) // nothing of it is left
  })

  it('is asked at once with other settings', async () => {
    await run(NOW)
    delete quota.dailyRequests
    expect(await run(NOW + 1_000, { timeZone: 'America/Denver' })).toEqual([])
  })
})

describe('when a portal may be asked again', () => {
  const toldBy = (facts: Record<string, unknown>, remedy: 'retry' | 'fix-source' = 'retry') =>
    putOffUntil(new WardbookError('x', remedy, 'x', facts), NOW)
  it.each([
    ['at the end of its quota', { retryAt: RESET_AT }, '2026-06-16T00:00:00.000Z'],
    ['after so many seconds', { retryAfter: '7200' }, '2026-06-15T20:00:00.000Z'],
    ['at a date', { retryAfter: 'Mon, 15 Jun 2026 19:00:00 GMT' }, '2026-06-15T19:00:00.000Z'],
    [
      'not before a minute, by a clock that is late',
      { retryAt: '2026-06-01T00:00:00Z' },
      '2026-06-15T18:01:00.000Z',
    ],
    ['after two days at most', { retryAt: '2099-01-01T00:00:00Z' }, '2026-06-17T18:00:00.000Z'],
    ['whenever, where it said nothing', {}, undefined],
    ['whenever, where it said no time', { retryAt: 'tomorrow' }, undefined],
  ])('is %s', (_what, facts, until) => {
    expect(toldBy(facts)).toBe(until)
  })

  it('is not told of what asking again does not mend', () => {
    expect(toldBy({ retryAfter: '7200' }, 'fix-source')).toBeUndefined()
  })
})
