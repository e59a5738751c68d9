import { describe, expect, it } from 'vitest'
import { drawProgress } from './progress-bars.js'

describe('the bars of a run', () => {
  it('fill as a dataset goes from stage to stage, and are drawn over themselves', () => {
    let text = ''
    const bars = drawProgress({ calls: 1, permits: 2 }, { write: (more) => (text += more), columns: 100 })
    const full = () => {
      const drawn = text.split('\n').filter((line) => line.includes('calls'))
      return (drawn.at(-1)?.match(/█/g) ?? []).length
    }
    const shares = [full()]
    const step = (stage: 'ingest' | 'harmonize' | 'measure' | 'detect', message: string) => {
      bars.step({ stage, dataset: 'calls', source: 'portal', message, facts: {} })
      shares.push(full())
    }
    step('ingest', 'received 3 pages, 10 bytes')
    step('ingest', 'committed snapshot 0: 3 rows')
    step('harmonize', 'typed 3 rows')
    step('measure', 'counted 3 rows')
    step('detect', 'tested 1 series')
    bars.stop()
    expect(shares).toEqual([0, 0, 6, 12, 18, 24])
    expect(text).toContain('\u001b[3A')
    expect(text.split('\n').every((line) => (line.split('[2K').at(-1) ?? '').length < 100)).toBe(true)
  })
})
