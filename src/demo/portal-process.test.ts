import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PortalProcess, startPortalProcess } from './portal-process.js'

describe('the portals in a process of their own', () => {
  let portals: PortalProcess
  beforeAll(async () => {
    portals = await startPortalProcess({ seed: 5, size: 'S', asOf: '2026-06-28' })
  }, 60_000)
  afterAll(() => portals.close())

  const weatherRows = async () => {
    const source = portals.published.cityFile.datasets.weather?.sources.observers as { urls: string[] }
    return (await (await fetch(source.urls[0] as string)).text()).split('\n').length - 2
  }
  const rowsOf = (truth: typeof portals.published.truth) =>
    truth.datasets.find(({ id }) => id === 'weather')?.rows

  it('publish what they say, and more when they are told the next day', async () => {
    const before = await weatherRows()
    expect(before).toBe(rowsOf(portals.published.truth))
    const { truth } = await portals.publish('2026-07-05')
    expect(truth.asOf).toBe('2026-07-05')
    expect(await weatherRows()).toBe(rowsOf(truth))
    expect(await weatherRows()).toBeGreaterThan(before)
  })
})
