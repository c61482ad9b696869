<?php
/**
 * The credential that a request carries, by its look alone.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * A header and what it seems to be: '', jwt, api_key, basic or foreign.
 */
final class Credential {

	const KEY_PREFIX = 'lrn_';
	const KID_PREFIX = 'lrn-';

	/**
	 * Name of the header that it came in.
	 *
	 * @var string
	 */
	public $header = 'Authorization';

	/**
	 * The header's value.
	 *
	 * @var string
	 */
	public $value = '';

	/**
	 * Kind.
	 *
	 * @var string
	 */
	public $kind = '';

	/**
	 * The credential of this request. `X-Learnomy-Authorization` counts only where Authorization is absent.
	 *
	 * @return self
	 */
	public static function of_request(): self {
		$credential = new self();
		// phpcs:disable WordPress.Security.ValidatedSanitizedInput -- Read before WordPress adds slashes; judged, never printed.
		foreach ( array( 'HTTP_AUTHORIZATION', 'REDIRECT_HTTP_AUTHORIZATION' ) as $name ) {
			if ( isset( $_SERVER[ $name ] ) && is_string( $_SERVER[ $name ] ) && '' !== trim( $_SERVER[ $name ] ) ) {
				return $credential->take( 'Authorization', trim( $_SERVER[ $name ] ) );
			}
		}
		if ( isset( $_SERVER['PHP_AUTH_USER'] ) && is_string( $_SERVER['PHP_AUTH_USER'] ) ) {
			$password = isset( $_SERVER['PHP_AUTH_PW'] ) && is_string( $_SERVER['PHP_AUTH_PW'] ) ? $_SERVER['PHP_AUTH_PW'] : '';
			return $credential->take( 'Authorization', 'Basic ' . base64_encode( $_SERVER['PHP_AUTH_USER'] . ':' . $password ) );
		}
		if ( isset( $_SERVER['HTTP_X_LEARNOMY_AUTHORIZATION'] ) && is_string( $_SERVER['HTTP_X_LEARNOMY_AUTHORIZATION'] ) ) {
			return $credential->take( 'X-Learnomy-Authorization', trim( $_SERVER['HTTP_X_LEARNOMY_AUTHORIZATION'] ) );
		}
		// phpcs:enable
		return $credential;
	}

	/**
	 * Whether the backend issued it, by its look.
	 *
	 * @return bool
	 */
	public function is_ours(): bool {
		return 'jwt' === $this->kind || 'api_key' === $this->kind;
	}

	/**
	 * Whether a login cookie of WordPress's came along.
	 *
	 * @return bool
	 */
	public static function has_login_cookie(): bool {
		return array() !== self::login_cookies();
	}

	/**
	 * Names of the login cookies that came along.
	 *
	 * @return string[]
	 */
	public static function login_cookies(): array {
		$found = array();
		foreach ( array_keys( $_COOKIE ) as $name ) {
			$name = (string) $name;
			foreach ( array( 'LOGGED_IN_COOKIE', 'AUTH_COOKIE', 'SECURE_AUTH_COOKIE' ) as $constant ) {
				if ( defined( $constant ) && constant( $constant ) === $name ) {
					$found[] = $name;
				}
			}
			if ( preg_match( '/^wordpress_(?:logged_in_|sec_|[0-9a-f]{32}$)/', $name ) ) {
				$found[] = $name;
			}
		}
		return array_unique( $found );
	}

	/**
	 * Takes a header.
	 *
	 * @param string $header Name.
	 * @param string $value  Value.
	 * @return self
	 */
	private function take( string $header, string $value ): self {
		$this->header = $header;
		$this->value  = $value;
		$parts        = explode( ' ', $value, 2 );
		$scheme       = strtolower( $parts[0] );
		$token        = isset( $parts[1] ) ? trim( $parts[1] ) : '';
		if ( 'basic' === $scheme && '' !== $token ) {
			$this->kind = 'basic';
		} elseif ( 'bearer' === $scheme ) {
			$this->kind = 'foreign';
			if ( 0 === strncmp( $token, self::KEY_PREFIX, 4 ) ) {
				$this->kind = 'api_key';
			} elseif ( self::is_our_jwt( $token ) ) {
				$this->kind = 'jwt';
			}
		}
		return $this;
	}

	/**
	 * Whether a token names one of our keys, without judging it.
	 *
	 * @param string $token Token.
	 * @return bool
	 */
	private static function is_our_jwt( string $token ): bool {
		$parts = explode( '.', $token );
		if ( 3 !== count( $parts ) || strlen( $parts[0] ) > 400 ) {
			return false;
		}
		$header = json_decode( (string) base64_decode( strtr( $parts[0], '-_', '+/' ) ), true );
		return is_array( $header ) && isset( $header['kid'] ) && is_string( $header['kid'] ) && 0 === strncmp( $header['kid'], self::KID_PREFIX, 4 );
	}
}
