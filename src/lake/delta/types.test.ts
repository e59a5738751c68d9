import { describe, expect, it } from 'vitest'
import { isOurs, parseFieldType } from './types.js'

describe("a type of Delta's schema", () => {
  it('is read with all that it is made of', () => {
    const type = {
      type: 'map',
      keyType: 'string',
      valueType: {
        type: 'array',
        elementType: {
          type: 'struct',
          fields: [{ name: 'a', type: 'decimal(10,2)', nullable: true, metadata: {} }],
        },
        containsNull: true,
      },
      valueContainsNull: true,
    }
    expect(parseFieldType(type)).toEqual({
      type: 'map',
      keyType: 'string',
      valueType: {
        type: 'array',
        elementType: {
          type: 'struct',
          fields: [{ name: 'a', type: { type: 'decimal', precision: 10, scale: 2 } }],
        },
      },
    })
  })

  it.each([
    'variant',
    'void',
    'decimal',
    'decimal(39,2)',
    'decimal(0,0)',
    'decimal(4,5)',
    'DECIMAL(4,2)',
    { type: 'array' },
    { type: 'array', elementType: 'variant' },
    { type: 'struct', fields: [] },
    { type: 'map', keyType: 'string' },
    7,
    null,
  ])('is unknown when it is %j', (type) => {
    expect(parseFieldType(type)).toBeUndefined()
  })

  it('is ours when we write it', () => {
    expect(isOurs({ name: 'a', type: 'timestamp' })).toBe(true)
    expect(isOurs({ name: 'a', type: 'timestamp_ntz' })).toBe(false)
    expect(isOurs({ name: 'a', type: { type: 'decimal', precision: 1, scale: 0 } })).toBe(false)
  })
})
