import { describe, expect, it } from 'vitest'
import { type RunningCity, readFloors, scoreSeeds } from '../bench/score-seeds.js'
import { serveLists } from '../src/demo/score/api-server.fixture.js'
import { planted, seriesOf, told, truthOf } from '../src/demo/score/score.fixture.js'

const right = told('2025-03-03', { index: 0 })
const wrong = told('2024-01-01', { index: 1 })
const trap = planted({ id: 'trap', kind: 'outage', measure: 'publication', factor: 1, from: '2023-12-25' })

/** Seed 1 finds nothing wrong, seed 2 half of it, seed 3 nothing at all. */
const FOUND = [[right], [right, wrong], []]

function cities() {
  const closed: number[] = []
  const run = async (seed: number): Promise<RunningCity> => {
    const served = await serveLists({ findings: FOUND[seed - 1] ?? [], series: seriesOf() })
    const close = () => served.close().then(() => void closed.push(seed))
    return { truth: truthOf([trap, planted()], { seed }), url: served.url, close }
  }
  return { run, closed }
}

describe('the score over several seeds', () => {
  it('has the middle and the worst of every figure, and closes every city', async () => {
    const { run, closed } = cities()
    const figures = await scoreSeeds([1, 2, 3], run)
    expect(figures.map(({ metric, value }) => [metric, value])).toEqual([
      ['planted rises and falls found, median of 3 seeds', 1],
      ['planted rises and falls found, worst of 3 seeds', 0],
      ['reported rises and falls that are right, median of 3 seeds', 0.5],
      ['reported rises and falls that are right, worst of 3 seeds', 0],
      ['categories under exactly one name, median of 3 seeds', 1],
      ['categories under exactly one name, worst of 3 seeds', 1],
      ['days until half were told, median of 3 seeds', 7],
      ['days until half were told, worst of 3 seeds', 7],
      ['traps reported as a rise or fall, median of 3 seeds', 0],
      ['traps reported as a rise or fall, worst of 3 seeds', 1],
    ])
    expect(closed).toEqual([1, 2, 3])
  })

  it('is measured against the limits that are committed', async () => {
    const figures = await scoreSeeds([1], cities().run)
    expect(figures.every(({ ok }) => ok)).toBe(true)
    expect(Object.keys(readFloors())).toHaveLength(6)
  })

  it('misses a floor by being smaller, a ceiling by being larger or by having nothing', async () => {
    const limits = { median: 0.6, worst: 0 }
    const floors = { ...readFloors(), precision: limits, trapsReported: limits, delayDays: limits }
    const missed = async (...seeds: number[]) =>
      (await scoreSeeds(seeds, cities().run, floors)).filter(({ ok }) => !ok).map(({ metric }) => metric)
    expect(await missed(2)).toEqual([
      'reported rises and falls that are right, median of 1 seed',
      'days until half were told, median of 1 seed',
      'days until half were told, worst of 1 seed',
      'traps reported as a rise or fall, median of 1 seed',
      'traps reported as a rise or fall, worst of 1 seed',
    ])
    expect(await missed(3)).toContain('days until half were told, median of 1 seed')
  })

  it('closes a city also when its score fails', async () => {
    const { run, closed } = cities()
    const broken = async (seed: number) => ({ ...(await run(seed)), url: 'http://127.0.0.1:1' })
    await expect(scoreSeeds([1], broken)).rejects.toMatchObject({ code: 'api-unreachable' })
    expect(closed).toEqual([1])
  })
})
