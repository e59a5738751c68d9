import { describe, expect, it } from 'vitest'
import { contrast, DARK, LIGHT } from './tokens.js'

describe.each([
  ['light', LIGHT],
  ['dark', DARK],
])('colors, %s', (_name, tokens) => {
  it.each(['text', 'muted', 'blue', 'orange'] as const)('%s can be read on every background', (name) => {
    for (const background of [tokens.page, tokens.panel, tokens.mark]) {
      expect(contrast(tokens[name], background)).toBeGreaterThanOrEqual(4.5)
    }
  })
})

it('contrast of black on white is 21', () => expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5))
