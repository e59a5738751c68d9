import { expect, it } from 'vitest'
import { nearestNames } from './nearest.js'

it('finds the name meant, without case, accents and leading zeros', () => {
  const names = ['07', '17', 'Ñuñoa', 'Ward 3', 'unassigned']
  expect(nearestNames('7', names)[0]).toBe('07')
  expect(nearestNames('nunoa', names)[0]).toBe('Ñuñoa')
  expect(nearestNames('ward3', names)[0]).toBe('Ward 3')
  expect(nearestNames('x', names, 2)).toHaveLength(2)
})
