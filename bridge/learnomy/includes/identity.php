<?php
/**
 * Who calls: takes our own credentials aside as the plugin loads, and tells WordPress whose they are.
 *
 * So WordPress's current user is right for every guard, filter and listener, another plugin never judges our token,
 * and a login cookie of one person never meets a token of another.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The identity of this request.
 */
final class Identity {

	/**
	 * What the visitor sent, taken before other plugins can see it.
	 *
	 * @var Credential
	 */
	private static $credential;

	/**
	 * The backend's word on an own credential: user id and kind, or an error; null before it was asked.
	 *
	 * @var array{user_id: int, credential: string}|\WP_Error|null
	 */
	private static $known;

	/**
	 * Whether the backend is being asked right now.
	 *
	 * @var bool
	 */
	private static $asking = false;

	/**
	 * Milliseconds spent on asking, which a read must not spend again.
	 *
	 * @var int
	 */
	private static $spent_ms = 0;

	/**
	 * Takes an own credential aside, and registers.
	 */
	public static function init(): void {
		self::$credential = Credential::of_request();
		if ( self::$credential->is_ours() ) {
			unset( $_SERVER['HTTP_AUTHORIZATION'], $_SERVER['REDIRECT_HTTP_AUTHORIZATION'], $_SERVER['HTTP_X_LEARNOMY_AUTHORIZATION'] );
			self::drop_login_cookies();
			// Cookies of a name of the site's own are known only once WordPress has made its constants.
			add_action( 'plugins_loaded', array( self::class, 'drop_login_cookies' ), -PHP_INT_MAX );
			add_filter( 'determine_current_user', array( self::class, 'determine' ), PHP_INT_MAX );
			// Beside the check of application passwords, before the cookie check.
			add_filter( 'rest_authentication_errors', array( self::class, 'check' ), 90 );
		} elseif ( 'basic' === self::$credential->kind && 'Authorization' !== self::$credential->header ) {
			self::offer_basic();
		}
	}

	/**
	 * The credential that came with this request.
	 *
	 * @return Credential
	 */
	public static function credential(): Credential {
		return self::$credential;
	}

	/**
	 * Takes the login cookies away.
	 */
	public static function drop_login_cookies(): void {
		foreach ( Credential::login_cookies() as $name ) {
			unset( $_COOKIE[ $name ] );
		}
	}

	/**
	 * The user whose credential this is, for WordPress. Asked once, and for REST requests only.
	 *
	 * @param int|false $user_id User found so far.
	 * @return int|false
	 */
	public static function determine( $user_id ) {
		if ( self::$asking || ! self::is_rest() ) {
			return $user_id;
		}
		$known = self::known();
		if ( is_wp_error( $known ) || ! self::speaks_here( $known['credential'] ) ) {
			return $user_id;
		}
		return $known['user_id'];
	}

	/**
	 * Tells the REST API whether an own credential was right.
	 *
	 * @param \WP_Error|null|true $result Result so far.
	 * @return \WP_Error|null|true
	 */
	public static function check( $result ) {
		if ( ! empty( $result ) ) {
			return $result;
		}
		$known = self::known();
		if ( is_wp_error( $known ) ) {
			return $known;
		}
		if ( ! self::speaks_here( $known['credential'] ) ) {
			return new \WP_Error(
				'learnomy_api_key_scope',
				__( 'This API key is good for Learnomy\'s own API only.', 'learnomy' ),
				array( 'status' => 401 )
			);
		}
		return true;
	}

	/**
	 * How WordPress knows the current user, for a request to the backend.
	 *
	 * @param bool $is_outer Whether the visitor's own request is served, not one made inside WordPress.
	 * @return array{user: string, via: string, headers: array<string, string>} `user` is '' where the backend is to judge.
	 */
	public static function asserted( bool $is_outer ): array {
		$user = get_current_user_id();
		if ( ! $is_outer ) {
			return self::assertion( (string) $user, 'internal' );
		}
		$credential = self::$credential;
		$forwarded  = array( $credential->header => $credential->value );
		if ( $credential->is_ours() ) {
			$known = self::known();
			if ( ! is_wp_error( $known ) && $known['user_id'] === $user ) {
				// The backend reads the credential again: its session and its scopes are more than a user id.
				return self::assertion( '', $credential->kind, $forwarded );
			}
			return self::assertion( (string) $user, 'foreign' );
		}
		if ( 0 === $user ) {
			// A bearer that nobody answered for is wrong, not nobody's.
			return 'foreign' === $credential->kind ? self::assertion( '', '', $forwarded ) : self::assertion( '0', '' );
		}
		if ( null !== rest_get_authenticated_app_password() ) {
			return self::assertion( (string) $user, 'application_password' );
		}
		$by_cookie = isset( $GLOBALS['wp_rest_auth_cookie'] ) && true === $GLOBALS['wp_rest_auth_cookie'];
		return self::assertion( (string) $user, $by_cookie ? 'cookie' : 'foreign' );
	}

	/**
	 * Milliseconds that this request has waited for the backend to say who calls.
	 *
	 * @return int
	 */
	public static function spent_ms(): int {
		return self::$spent_ms;
	}

	/**
	 * The backend's word on an own credential.
	 *
	 * @return array{user_id: int, credential: string}|\WP_Error
	 */
	private static function known() {
		if ( null === self::$known ) {
			self::$asking = true;
			$began        = Channel::now_ms();
			$answer       = Channel::call(
				'whoami',
				array(),
				array(
					'door'    => 'full',
					'headers' => array( self::$credential->header => self::$credential->value ),
				)
			);
			// Cookies aside, the address of the site is all that the answer hangs on.
			self::$spent_ms = Channel::now_ms() - $began;
			self::$asking   = false;
			if ( ! is_wp_error( $answer ) ) {
				$user_id = (int) ( $answer['user_id'] ?? 0 );
				$kind    = (string) ( $answer['credential'] ?? '' );
				$answer  = $user_id > 0
					? array(
						'user_id'    => $user_id,
						'credential' => $kind,
					)
					: new \WP_Error( 'unauthenticated', Envelope::MESSAGES['unauthenticated'], array( 'status' => 401 ) );
			}
			self::$known = $answer;
		}
		return self::$known;
	}

	/**
	 * Whether a kind of credential counts for the route that is asked for.
	 *
	 * A key has scopes, which nobody but the backend checks, so it opens nothing else in WordPress.
	 *
	 * @param string $kind Kind.
	 * @return bool
	 */
	private static function speaks_here( string $kind ): bool {
		return 'api_key' !== $kind || Rest_Path::is_ours( Rest_Path::asked() );
	}

	/**
	 * Whether this request is for the REST API, known or by its look.
	 *
	 * @return bool
	 */
	private static function is_rest(): bool {
		return ( defined( 'REST_REQUEST' ) && REST_REQUEST ) || '' !== Rest_Path::asked();
	}

	/**
	 * Gives WordPress a Basic credential that came in our own header, on our routes.
	 */
	private static function offer_basic(): void {
		$pair = explode( ':', (string) base64_decode( substr( self::$credential->value, 6 ), true ), 2 );
		if ( 2 === count( $pair ) && Rest_Path::is_ours( Rest_Path::asked() ) ) {
			list( $_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW'] ) = $pair;
		}
	}

	/**
	 * An assertion.
	 *
	 * @param string                $user    User.
	 * @param string                $via     How.
	 * @param array<string, string> $headers Headers to forward.
	 * @return array
	 */
	private static function assertion( string $user, string $via, array $headers = array() ): array {
		return array(
			'user'    => $user,
			'via'     => $via,
			'headers' => $headers,
		);
	}
}
