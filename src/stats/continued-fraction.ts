import { WardbookError } from '../kernel/errors.js'

/**
 * Terms that a series or continued fraction may take; they need a few times the square root of the smaller
 * shape.
 */
export const MAX_TERMS = 20_000_000

/** Beyond this shape an expansion would take too long, and soon a step of 1 would be lost in rounding. */
export const LARGEST_SHAPE = 1e12

/** Stands for zero where a true zero would divide. */
export const ALMOST_ZERO = 1e-300

/**
 * A value that the modified method of Lentz can divide by.
 * @returns the value, or 1e-300 where it is closer to zero than that
 * @see Thompson and Barnett 1986, 'Coulomb and Bessel functions of complex arguments and order'
 */
export function awayFromZero(value: number): number {
  return Math.abs(value) < ALMOST_ZERO ? ALMOST_ZERO : value
}

/**
 * The error for an expansion that met its limit of terms, which only absurdly large counts can cause.
 * @param name  of the function, for the message
 * @param facts its arguments
 * @returns 'did-not-settle' (report-bug), for the caller to throw
 */
export function notSettled(name: string, facts: Record<string, number>): WardbookError {
  const at = JSON.stringify(facts)
  const message = `The ${name} function did not settle at ${at}; shapes above 1e12 are not supported`
  return new WardbookError('did-not-settle', 'report-bug', message, facts)
}
