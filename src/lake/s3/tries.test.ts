import { describe, expect, it } from 'vitest'
import { WardbookError } from '../../kernel/errors.js'
import { FailedTry } from './failure.js'
import { DEFAULT_PATIENCE, MAX_WAIT_MS } from './settings.js'
import { Tries, type Waiting } from './tries.js'

const GET = { address: 's3://lake/city', operation: 'get', key: 'raw/a' }

/** A clock that only pauses move. */
function simulatedWaiting(random = 1): Waiting & { readonly waits: number[] } {
  let nowMs = 0
  const waits: number[] = []
  return {
    waits,
    random: () => random,
    now: () => nowMs,
    wait: async (ms) => {
      waits.push(ms)
      nowMs += ms
    },
  }
}

const failing = async () => {
  throw new FailedTry('passing', 'not now')
}

describe('repeating a request', () => {
  it('waits twice as long each time, up to the longest wait', async () => {
    const waiting = simulatedWaiting()
    await expect(new Tries(DEFAULT_PATIENCE, waiting).run(GET, 0, failing)).rejects.toThrow('after 10 tries')
    expect(waiting.waits).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, MAX_WAIT_MS, MAX_WAIT_MS])
  })

  it('spreads the waits by chance', async () => {
    const waiting = simulatedWaiting(0.5)
    await expect(new Tries(DEFAULT_PATIENCE, waiting).run(GET, 0, failing)).rejects.toThrow()
    expect(waiting.waits.slice(0, 3)).toEqual([25, 50, 100])
  })

  it('begins no try after the deadline', async () => {
    const waiting = simulatedWaiting()
    const tries = new Tries({ ...DEFAULT_PATIENCE, deadlineMs: 1_000 }, waiting)
    await expect(tries.run(GET, 0, failing)).rejects.toMatchObject({
      code: 'store-unavailable',
      facts: { tries: 5 },
    })
    expect(waiting.waits).toEqual([50, 100, 200, 400])
  })

  it('passes on what is already said', async () => {
    const said = new WardbookError('scratch-full', 'fix-config', 'full')
    const tries = new Tries(DEFAULT_PATIENCE, simulatedWaiting())
    await expect(tries.run(GET, 0, () => Promise.reject(said))).rejects.toBe(said)
  })

  it('gives a large body the time that a slow line needs', async () => {
    const tries = new Tries({ ...DEFAULT_PATIENCE, requestTimeoutMs: 20, maxAttempts: 1 })
    const untilAborted = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const startedAt = performance.now()
    await expect(tries.run(GET, 32 * 1_024, untilAborted)).rejects.toMatchObject({
      code: 'store-unavailable',
    })
    expect(performance.now() - startedAt).toBeGreaterThan(250)
  })
})
