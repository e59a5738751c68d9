import { describe, expect, it } from 'vitest'
import { waitingFor } from './barrier.js'

const upstream = { source: 'portal', version: 3, divisions: ['7', '8'] }
const at = (division: string, version: number, source = 'portal') => ({ source, division, version })

describe('the barrier', () => {
  it('is open when every division of every source has reached the same version', () => {
    expect(waitingFor([upstream], [at('7', 3), at('8', 3)])).toEqual([])
    expect(waitingFor([upstream], [at('7', 3), at('8', 3), at('9', 1)])).toEqual([])
  })

  it('names the divisions that are behind, and those that never came', () => {
    expect(waitingFor([upstream], [at('7', 2), at('8', 3)])).toEqual(['portal/7'])
    expect(waitingFor([upstream], [at('7', 3)])).toEqual(['portal/8'])
    expect(waitingFor([upstream], [at('7', 3, 'other'), at('8', 3)])).toEqual(['portal/7'])
  })

  it('waits for a division that is ahead of what was read', () => {
    expect(waitingFor([upstream], [at('7', 4), at('8', 3)])).toEqual(['portal/7'])
  })
})
