import { describe, expect, it } from 'vitest'
import { WardbookError } from '../kernel/errors.js'
import type { Failure } from './pipeline.js'
import { type PutOffSource, runAndWait } from './run-again.js'

const HOUR = 3_600_000

function putOff(source: string, hours: number): Failure {
  const error = new WardbookError('portal-quota-spent', 'retry', 'spent')
  return { stage: 'ingest', dataset: 'calls', source, error, until: new Date(hours * HOUR).toISOString() }
}
const broken: Failure = {
  ...{ stage: 'ingest', dataset: 'calls', source: 'bad' },
  error: new WardbookError('count-differs', 'fix-source', 'no'),
}

/** Runs whose failures are these, one after the other; time passes in waits alone. */
async function waited(rounds: Failure[][], hours: number) {
  let now = 0
  const runs: string[][] = []
  const told: string[] = []
  const run = async (only?: readonly PutOffSource[]) => {
    runs.push(only?.map(({ source }) => source) ?? ['all'])
    return rounds[runs.length - 1] ?? []
  }
  const failures = await runAndWait(run, hours * HOUR, {
    clock: () => new Date(now),
    sleep: async (ms) => {
      now += ms
    },
    tell: (waiting) => void told.push(waiting.map(({ source }) => source).join(' ')),
  })
  return { hours: now / HOUR, runs, told, failures: failures.map(({ source }) => source) }
}

describe('a run that may wait', () => {
  it('goes on with each source when its portal takes requests again, and with these alone', async () => {
    const rounds = [[putOff('b', 6), broken, putOff('a', 3)], [], []]
    expect(await waited(rounds, 24)).toEqual({
      ...{ hours: 6, runs: [['all'], ['a'], ['b']], told: ['a b', 'b'], failures: ['bad'] },
    })
  })

  it('waits no longer than it may, and says what is left', async () => {
    expect(await waited([[putOff('a', 3), putOff('b', 30)], [putOff('a', 27)]], 24)).toEqual({
      ...{ hours: 3, runs: [['all'], ['a']], told: ['a'], failures: ['b', 'a'] },
    })
  })

  it('does not wait when it may not', async () => {
    expect(await waited([[putOff('a', 1)]], 0)).toMatchObject({ hours: 0, failures: ['a'] })
  })
})
