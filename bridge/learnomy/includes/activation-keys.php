<?php
/**
 * The keys that sign access tokens: the option `learnomy_keys`, encrypted under the site's AUTH_KEY.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Makes and rotates the keys; the backend reads them.
 */
final class Signing_Keys {

	const OPTION = 'learnomy_keys';

	/**
	 * Makes the keys where there are none that can be read.
	 */
	public static function ensure(): void {
		if ( ! self::ring() ) {
			self::keep( array( self::fresh() ) );
		}
	}

	/**
	 * Puts a new key first. The last one still verifies.
	 */
	public static function rotate(): void {
		self::keep( array_slice( array_merge( array( self::fresh() ), self::ring() ), 0, 2 ) );
	}

	/**
	 * The keys, newest first; empty where they cannot be read.
	 *
	 * @return array[]
	 */
	private static function ring(): array {
		$stored = get_option( self::OPTION );
		$box    = is_array( $stored ) && isset( $stored['box'] ) ? base64_decode( (string) $stored['box'], true ) : '';
		if ( ! is_string( $box ) || strlen( $box ) <= 12 || ! self::has_sodium() ) {
			return array();
		}
		$plain = sodium_crypto_aead_chacha20poly1305_ietf_decrypt( substr( $box, 12 ), self::OPTION, substr( $box, 0, 12 ), self::wrapping_key() );
		$ring  = is_string( $plain ) ? json_decode( $plain, true ) : null;
		return is_array( $ring ) && ! empty( $ring['jwt'] ) && is_array( $ring['jwt'] ) ? $ring['jwt'] : array();
	}

	/**
	 * Keeps the keys.
	 *
	 * @param array[] $keys Keys, newest first.
	 */
	private static function keep( array $keys ): void {
		if ( ! self::has_sodium() ) {
			return;
		}
		$nonce = random_bytes( 12 );
		$plain = (string) wp_json_encode( array( 'jwt' => $keys ) );
		$box   = $nonce . sodium_crypto_aead_chacha20poly1305_ietf_encrypt( $plain, self::OPTION, $nonce, self::wrapping_key() );
		update_option(
			self::OPTION,
			array(
				'v'   => 1,
				'box' => base64_encode( $box ),
			),
			false
		);
	}

	/**
	 * A new key.
	 *
	 * @return array
	 */
	private static function fresh(): array {
		return array(
			'kid'     => Credential::KID_PREFIX . bin2hex( random_bytes( 4 ) ),
			'key'     => base64_encode( random_bytes( 32 ) ),
			'created' => time(),
		);
	}

	/**
	 * The key that the keys are encrypted with.
	 *
	 * @return string
	 */
	private static function wrapping_key(): string {
		return hash_hkdf( 'sha256', wp_salt( 'auth' ), 32, 'learnomy keys 1', '' );
	}

	/**
	 * Whether sodium is there, WordPress's own copy of it included.
	 *
	 * @return bool
	 */
	private static function has_sodium(): bool {
		if ( ! function_exists( 'sodium_crypto_aead_chacha20poly1305_ietf_encrypt' ) && is_file( ABSPATH . WPINC . '/sodium_compat/autoload.php' ) ) {
			require_once ABSPATH . WPINC . '/sodium_compat/autoload.php';
		}
		return function_exists( 'sodium_crypto_aead_chacha20poly1305_ietf_encrypt' );
	}
}
