<?php
/**
 * The keys of the signed channel, one per direction and purpose, and the strings that are signed.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Keys and signatures. Only constants and options are read, so that it works before WordPress's salts load.
 */
final class Channel_Keys {

	const PROTOCOL       = '1';
	const MINIMUM_SECRET = 32;

	/**
	 * Whether there is a secret to sign with.
	 *
	 * @return bool
	 */
	public static function are_usable(): bool {
		return strlen( Bridge_Options::secret() ) >= self::MINIMUM_SECRET;
	}

	/**
	 * The key of one purpose: request, response, call, reply; pair and pair-response need no salt.
	 *
	 * @param string $purpose Purpose.
	 * @return string 32 bytes.
	 */
	public static function key( string $purpose ): string {
		$salt = 0 === strncmp( $purpose, 'pair', 4 ) ? '' : self::bridge_salt();
		$info = 'learnomy bridge ' . self::PROTOCOL . ' ' . $purpose;
		return hash_hkdf( 'sha256', Bridge_Options::secret(), 32, $info, $salt );
	}

	/**
	 * Signs strings, one a line.
	 *
	 * @param string   $purpose Purpose.
	 * @param string[] $parts   Strings.
	 * @return string Hex.
	 */
	public static function sign( string $purpose, array $parts ): string {
		return hash_hmac( 'sha256', implode( "\n", $parts ), self::key( $purpose ) );
	}

	/**
	 * Whether a signature is right.
	 *
	 * @param string   $signature Hex.
	 * @param string   $purpose   Purpose.
	 * @param string[] $parts     Strings.
	 * @return bool
	 */
	public static function is_signed( string $signature, string $purpose, array $parts ): bool {
		return hash_equals( self::sign( $purpose, $parts ), $signature );
	}

	/**
	 * What both sides make of WordPress's AUTH_KEY and AUTH_SALT.
	 *
	 * @return string Hex.
	 */
	public static function bridge_salt(): string {
		return hash( 'sha256', self::salt_part( 'AUTH_KEY', 'auth_key' ) . self::salt_part( 'AUTH_SALT', 'auth_salt' ) );
	}

	/**
	 * A constant, else WordPress's own option in its place.
	 *
	 * @param string $constant Constant.
	 * @param string $option   Site option.
	 * @return string
	 */
	private static function salt_part( string $constant, string $option ): string {
		if ( defined( $constant ) && is_string( constant( $constant ) ) && '' !== constant( $constant ) ) {
			return constant( $constant );
		}
		$stored = get_site_option( $option );
		return is_string( $stored ) ? $stored : '';
	}
}
